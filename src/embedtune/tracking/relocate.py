"""Mend a sqlite store whose folder was moved. Pure SQL: MLflow keeps absolute paths and cannot change them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from embedtune.config import TrackingConfig
from embedtune.config.redaction import redact_text
from embedtune.errors import TrackingError
from embedtune.paths import Workspace
from embedtune.tracking.uri import SQLITE, artifact_folder, store_lock, store_uri

_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("trace_tags", "value"),  # mlflow.artifactLocation
)
"""Where MLflow 3.17 keeps addresses of artifacts. Params and notes that name the old folder are history and stay."""


@dataclass(frozen=True)
class Relocation:
    """What was mended.

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
    new = root.as_uri()
    try:
        with (
            FileLock(store_lock(f"{SQLITE}{path}", workspace)),
            closing(sqlite3.connect(path, isolation_level=None)) as database,
        ):
            old = _old_roots(database, root)
            if not old:
                return Relocation((), new, {}, None)
            backup = _back_up(database, path)
            with _transaction(database):
                changed = _rewrite(database, old, new)
    except (sqlite3.Error, OSError) as error:
        raise TrackingError(
            f"tracking.uri must be an MLflow database that can be written, but got {path} ({error}). "
            "Stop what uses it and try again."
        ) from error
    return Relocation(old, new, changed, backup)


def _database_path(config: TrackingConfig, workspace: Workspace) -> Path:
    uri = store_uri(config, workspace)
    path = Path(uri.removeprefix(SQLITE))
    if not uri.startswith(SQLITE) or not path.is_file():
        raise TrackingError(
            f"tracking.uri must be a sqlite file for `relocate`, but got {redact_text(uri)}. "
            "Say where it is now: paths.mlruns=PATH, or tracking.uri=sqlite:///PATH"
        )
    return path


def _old_roots(database: sqlite3.Connection, root: Path) -> tuple[str, ...]:
    """Folders that embedtune's experiments name and that are not this one."""
    found: dict[str, None] = {}
    active = "SELECT name, artifact_location FROM experiments WHERE lifecycle_stage = 'active'"
    for name, place in database.execute(active):
        folder = artifact_folder(name)
        suffix = f"/{folder}"
        if not str(place).startswith("file:") or not place.endswith(suffix) or place == root.as_uri() + suffix:
            continue
        if not (root / folder).is_dir():
            raise TrackingError(
                f"paths.mlruns must hold the artifacts of the experiment {name}, but {root / folder} is not there. "
                f"Move it there too; the database names {place}."
            )
        found[place.removesuffix(suffix)] = None
    return tuple(found)


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


def _rewrite(database: sqlite3.Connection, old: tuple[str, ...], new: str) -> dict[str, int]:
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    changed: dict[str, int] = {}
    for table, column in _COLUMNS:
        if table not in tables:
            continue
        for root in old:
            # Compared in full, with the slash: /data/mlruns is no part of /data/mlruns-2. The names are constants.
            rows = database.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                (new, len(root) + 1, len(root) + 1, f"{root}/"),
            ).rowcount
            if rows:
                changed[f"{table}.{column}"] = changed.get(f"{table}.{column}", 0) + rows
    return changed
