"""Datasets of the datasets library, from the hub or saved in a folder: rows, or texts and judgements apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from embedtune.config import DataConfig
from embedtune.data.drafts import Collection, Draft, Notes, Rows, Table, Texts, listed
from embedtune.data.readers.boundary import PARSING, Unreadable, boundary
from embedtune.data.readers.columns import match_columns
from embedtune.data.readers.qrels import read_qrels
from embedtune.data.readers.regular_file import read_text
from embedtune.data.readers.room import require_room
from embedtune.data.readers.rows import Columns, make_rows
from embedtune.data.readers.texts import PASSAGE_ID, QUERY_ID, SCORE, as_lines, texts_of

_SPLIT_NAMES = {"train": ("train",), "validation": ("validation", "dev", "val"), "test": ("test",)}


def is_saved(folder: Path) -> bool:
    """Whether ``save_to_disk`` wrote this folder."""
    return (folder / "dataset_dict.json").is_file() or (
        (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    )


def read_saved(folder: Path, config: DataConfig, notes: Notes) -> Draft:
    """The rows of a folder that ``save_to_disk`` wrote; nothing in it is run, and no file elsewhere is read.

    Raises:
        Unreadable: It cannot be read, is larger than there is room for, or names files that are not its own.
    """
    import datasets

    try:
        for part in _parts(folder):
            _require_own_files(part)
    except (*PARSING, AttributeError, LookupError, TypeError) as error:
        raise Unreadable(
            "unreadable files", f"{folder} must be a dataset as save_to_disk writes it: {error}."
        ) from error
    require_room(str(folder), sum(file.stat().st_size for file in folder.rglob("*.arrow")))
    try:
        found = datasets.load_from_disk(str(folder))
        splits = dict(found) if isinstance(found, datasets.DatasetDict) else {"train": found}
        return rows_of(splits, str(folder), config, notes)
    # The library passes on the errors of whatever it reads with.
    except Exception as error:
        detail = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        message = f"{folder} must be a dataset as save_to_disk writes it, but got: {detail}. Save it again."
        raise Unreadable("unreadable files", message) from error


def _parts(folder: Path) -> list[Path]:
    """The folders of the splits, or the one there is."""
    listing = folder / "dataset_dict.json"
    if not listing.is_file():
        return [folder]
    names = json.loads(read_text(listing)).get("splits") or []
    return [folder / _plain(name, listing) for name in names]


def _require_own_files(folder: Path) -> None:
    """Check that a part is made of regular files of its own folder.

    Raises:
        Unreadable: It is not.
    """
    state = folder / "state.json"
    for entry in json.loads(read_text(state)).get("_data_files") or []:
        file = folder / _plain(entry["filename"], state)
        if file.is_symlink() or not file.is_file():
            message = f"{file} must be a regular file, but got something else. Copy the dataset whole."
            raise Unreadable("unreadable files", message)


def _plain(name: Any, file: Path) -> str:
    """A name that leads nowhere else."""
    if not isinstance(name, str) or not name or PurePath(name).name != name:
        message = f"{file} must name files of its own folder, but got {name!r}. Save the dataset again."
        raise Unreadable("unreadable files", message)
    return name


def rows_of(found: Mapping[str, Any], source: str, config: DataConfig, notes: Notes) -> Draft:
    """The rows of every split; a dataset with a training split alone comes in one piece."""
    tables: dict[str, Rows] = {}
    for split, name in chosen(found, source, config, notes).items():
        rows = _rows(found[name], f"{source} {name}", config, notes)
        tables |= {split: rows} if rows else {}
    if list(tables) == ["train"] and not config.splits:
        return Draft(source, single=tables["train"])
    return Draft(source, tables)


def collections_of(
    corpus: Sequence[Any], queries: Sequence[Any], judged: Mapping[str, Any], config: DataConfig, notes: Notes
) -> Draft:
    """The splits of a dataset in the form of MTEB: a subset of passages, one of queries, one of judgements.

    Args:
        corpus: The splits of its subset, of which all are read.
        queries: The same.
        judged: Split -> judgements.
        config: ``data.*``.
        notes: Of what is wrong.
    """
    source = str(config.path)
    passages = texts_of((row for part in corpus for row in part), f"{source} corpus", "passage", notes)
    asked = texts_of((row for part in queries for row in part), f"{source} queries", "query", notes)
    tables: dict[str, Table] = {}
    for split, name in chosen(judged, source, config, notes).items():
        file = f"{source} {name}"
        with boundary(file, notes):
            relevance = read_qrels(as_lines(judged[name]), file, asked.values, notes)
            own = {query: text for query, text in asked.values.items() if query in relevance.values}
            tables[split] = Collection(Texts(asked.file, "query", own), passages, relevance)
    return Draft(source, tables)


def is_judged(columns: Sequence[str]) -> bool:
    """Whether these are the columns of judgements."""
    return all(any(name in columns for name in names) for names in (QUERY_ID, PASSAGE_ID, SCORE))


def chosen(found: Mapping[str, Any], source: str, config: DataConfig, notes: Notes) -> dict[str, str]:
    """Split -> its name in the dataset."""
    named: dict[str, str] = {}
    for split, usual in _SPLIT_NAMES.items():
        given = config.splits.get(split)
        name = given or next((name for name in usual if name in found), None)
        if name is not None and name in found:
            named[split] = name
        elif given:
            message = f"data.splits.{split} must be a split of {source}, but got {given}; it has {', '.join(found)}."
            notes.refuse("data.splits", f"{message} Use one of them.")
    if named and (unread := [name for name in found if name not in named.values()]):
        notes.warnings.append(f"{source} has splits that are not read: {listed(unread)}. Set data.splits.SPLIT=NAME.")
    return named


def _rows(dataset: Any, place: str, config: DataConfig, notes: Notes) -> Rows | None:
    roles = match_columns(dataset.column_names, config.columns, place, notes)
    if roles is None:
        return None
    with boundary(place, notes):
        return make_rows(Columns(place, {name: list(dataset[name]) for name in roles.columns}), roles, notes)
    return None
