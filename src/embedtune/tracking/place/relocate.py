"""Repair a moved or copied sqlite store by SQL: MLflow stores absolute paths and cannot change them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedtune.config import TrackingConfig
from embedtune.config.redaction import redact_url
from embedtune.errors import TrackingError
from embedtune.machine.locks import file_lock
from embedtune.paths import Workspace
from embedtune.tracking.mlflow_private import PLACES, TAGS
from embedtune.tracking.place.owner import WORKSPACE, Owner, local_path
from embedtune.tracking.place.uri import artifact_folder, store_file, store_lock, store_uri


@dataclass(frozen=True)
class Relocation:
    """The repairs made to a store.

    Attributes:
        old: The folder before, as a URI; several where experiments were made at several places.
        new: The folder now.
        changed: ``table.column`` -> rows rewritten; empty if nothing was wrong.
        backup: The database as it was; None if nothing was wrong.
    """

    old: tuple[str, ...]
    new: str
    changed: Mapping[str, int]
    backup: Path | None


def relocate_store(config: TrackingConfig, workspace: Workspace) -> Relocation:
    """Point the store's records at the folder where it is now; a second call changes nothing.

    Nothing but this store's database is written, so a copy is mended like a moved folder: the original stays whole.

    Raises:
        TrackingError: The store is not a sqlite file, or the artifacts did not come along.
    """
    path = _database_path(config, workspace)
    root = workspace.mlruns.resolve()
    with _opened(path, store_lock(config, workspace)) as database:
        old = _old_roots(database, root)
        if missing := _missing(database, root):
            name, place = missing
            raise TrackingError(
                f"paths.mlruns must hold the artifacts of the experiment {name}, but {root / artifact_folder(name)} is "
                f"not there. Move it there too; the database names {place}."
            )
        return _move(database, path, old, root, {})


def adopt_copy(path: Path, config: TrackingConfig, owner: Owner) -> Relocation | None:
    """Make the store of a copied workspace that workspace's own, if it is one.

    A copy is recognised by the folder that its experiments name: another one, which still exists and holds a store.

    Raises:
        TrackingError: The artifacts are a link to those of the original.
    """
    root = owner.workspace.mlruns.resolve()
    if path.parent != root or not path.is_file():
        return None
    with _opened(path, store_lock(config, owner.workspace)) as database:
        if ("experiments", "artifact_location") not in columns(database) or _missing(database, root):
            return None
        old = tuple(place for place in _old_roots(database, root) if _is_another(local_path(place), root, path.name))
        if not old:
            return None
        if any(_is_shared(local_path(place), root) for place in old):
            raise TrackingError(
                f"paths.mlruns must hold artifacts of its own, but {root / 'artifacts'} is a link to those of "
                f"{old[0]}. Copy the files too (cp -rL), or take another folder: paths.mlruns=PATH"
            )
        return _move(database, path, old, root, {WORKSPACE: owner.identity.id})


@contextmanager
def _opened(path: Path, lock: Path) -> Iterator[sqlite3.Connection]:
    try:
        with file_lock(lock), closing(sqlite3.connect(path, isolation_level=None)) as database:
            yield database
    except (sqlite3.Error, OSError) as error:
        raise TrackingError(
            f"tracking.uri must be an MLflow database that can be written, but got {path} ({error}). "
            "Stop what uses it and try again."
        ) from error


def _database_path(config: TrackingConfig, workspace: Workspace) -> Path:
    path = store_file(config, workspace)
    if path is None or not path.is_file():
        raise TrackingError(
            f"tracking.uri must be a sqlite file for `relocate`, but got {redact_url(store_uri(config, workspace))}. "
            "Say where it is now: paths.mlruns=PATH, or tracking.uri=sqlite:///PATH"
        )
    return path


def _elsewhere(database: sqlite3.Connection, root: Path) -> Iterator[tuple[str, str, str]]:
    """Experiments whose artifacts are in a folder like ours elsewhere: the name, the place, the root of that place."""
    active = "SELECT name, artifact_location FROM experiments WHERE lifecycle_stage = 'active'"
    for name, place in database.execute(active):
        suffix = f"/{artifact_folder(name)}"
        if str(place).startswith("file:") and place.endswith(suffix) and place != root.as_uri() + suffix:
            yield name, place, place.removesuffix(suffix)


def _old_roots(database: sqlite3.Connection, root: Path) -> tuple[str, ...]:
    """Folders that embedtune's experiments name and that are not this one."""
    return tuple(dict.fromkeys(old for _, _, old in _elsewhere(database, root)))


def _missing(database: sqlite3.Connection, root: Path) -> tuple[str, str] | None:
    """An experiment whose artifacts did not come along, and the place that the database names."""
    found = ((name, place) for name, place, _ in _elsewhere(database, root))
    return next(((name, place) for name, place in found if not (root / artifact_folder(name)).is_dir()), None)


def _is_another(folder: Path | None, root: Path, database: str) -> bool:
    return folder is not None and (folder / database).is_file() and not folder.samefile(root)


def _is_shared(folder: Path | None, root: Path) -> bool:
    theirs, ours = (place / "artifacts" for place in (folder or root, root))
    return folder is not None and theirs.is_dir() and theirs.samefile(ours)


def _move(
    database: sqlite3.Connection, path: Path, old: tuple[str, ...], root: Path, tags: Mapping[str, str]
) -> Relocation:
    """Rewrite the addresses below ``old``, and the values of tags wherever these are set."""
    if not old:
        return Relocation((), root.as_uri(), {}, None)
    tables = _known_tables(database, path)
    backup = _back_up(database, path)
    with _transaction(database):
        changed = _rewrite(database, [place for place in PLACES if place[0] in tables], old, root.as_uri())
        for table, key, value in TAGS:
            if table in tables:
                rows = [(new, name) for name, new in tags.items()]
                database.executemany(f"UPDATE {table} SET {value} = ? WHERE {key} = ?", rows)
    return Relocation(old, root.as_uri(), changed, backup)


def _known_tables(database: sqlite3.Connection, path: Path) -> set[str]:
    """The tables there are; those with addresses look as in every version this was tested with.

    Raises:
        TrackingError: One of them has other columns.
    """
    there = columns(database)
    tables = {table for table, _ in there}
    expected = {*PLACES, *((table, column) for table, *both in TAGS for column in both)}
    unknown = sorted(pair for pair in expected - there if pair[0] in {*tables, "experiments", "runs"})
    if unknown:
        raise TrackingError(
            f"tracking.uri must be a store whose tables are known, but got {path} without "
            f"{', '.join(map('.'.join, unknown))}. Nothing was changed; take a version of mlflow that has them."
        )
    return tables


def columns(database: sqlite3.Connection) -> set[tuple[str, str]]:
    """Every table with every column."""
    found = "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"
    return set(database.execute(found))


def _back_up(database: sqlite3.Connection, path: Path) -> Path:
    backup = path.with_name(f"{path.stem}-before-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
    with closing(sqlite3.connect(backup)) as copy:
        database.backup(copy)
    return backup


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _rewrite(
    database: sqlite3.Connection, places: Sequence[tuple[str, str]], old: tuple[str, ...], new: str
) -> dict[str, int]:
    changed: dict[str, int] = {}
    for table, column in places:
        for root in old:
            # Compared in full, with the slash: /data/mlruns is no part of /data/mlruns-2. The names are constants.
            rows = database.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                (new, len(root) + 1, len(root) + 1, f"{root}/"),
            ).rowcount
            if rows:
                changed[f"{table}.{column}"] = changed.get(f"{table}.{column}", 0) + rows
    return changed
