"""A dataset of rows on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from embedtune.config import DataConfig
from embedtune.data.drafts import Draft, Notes, Rows, listed
from embedtune.data.readers.boundary import boundary
from embedtune.data.readers.columns import match_columns
from embedtune.data.readers.rows import Columns, make_rows

_SPLIT_NAMES = {"train": ("train",), "validation": ("validation", "dev", "val"), "test": ("test",)}


def read_hub(config: DataConfig) -> Draft:
    """The rows of every split; a dataset with a training split alone comes in one piece."""
    source = f"{config.path}@{config.revision}" if config.revision else str(config.path)
    notes = Notes()
    found = _load(config, notes)
    tables: dict[str, Rows] = {}
    used: set[str] = set()
    for split, usual in _SPLIT_NAMES.items():
        given = config.splits.get(split)
        name = given or next((name for name in usual if name in found), None)
        if name in found:
            used.add(name)
            rows = _rows(found[name], f"{source} {name}", config, notes)
            tables |= {split: rows} if rows else {}
        elif given:
            message = f"data.splits.{split} must be a split of {source}, but got {given}; it has {', '.join(found)}."
            notes.refuse("data.splits", f"{message} Use one of them.")
    if used and (unread := [name for name in found if name not in used]):
        notes.warnings.append(f"{source} has splits that are not read: {listed(unread)}. Set data.splits.SPLIT=NAME.")
    if list(tables) == ["train"] and not config.splits:
        return Draft(source, single=tables["train"]).noted(notes)
    return Draft(source, tables).noted(notes)


def _load(config: DataConfig, notes: Notes) -> dict[str, Any]:
    """Split name -> dataset; empty after noting why it is unavailable."""
    import datasets

    try:
        return dict(datasets.load_dataset(config.path, config.subset, revision=config.revision))
    # The library passes on the errors of whatever it reads through: HTTP clients, file systems, parsers.
    except Exception as error:
        subsets = _subsets(datasets.get_dataset_config_names, config)
        if len(subsets) > 1 and config.subset not in subsets:
            message = f"data.subset must be one of the {len(subsets)} subsets of {config.path}, but got {config.subset}"
            notes.refuse("hub", f"{message}. Type data.subset=NAME with one of {listed(subsets, 30)}.")
            return {}
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        message = (
            f"data.path must be a dataset that the hub or its cache gives, but got {config.path}: {reason}. "
            "Check the name and the network, or download its files and use data=files data.path=FOLDER."
        )
        notes.refuse("hub", message)
        return {}


def _subsets(names: Callable[..., list[str]], config: DataConfig) -> list[str]:
    """The configurations of a dataset, if available."""
    try:
        return names(config.path, revision=config.revision)
    except Exception:  # as above; what failed first is what is said
        return []


def _rows(dataset: Any, place: str, config: DataConfig, notes: Notes) -> Rows | None:
    roles = match_columns(dataset.column_names, config.columns, place, notes)
    if roles is None:
        return None
    with boundary(place, notes):
        return make_rows(Columns(place, {name: list(dataset[name]) for name in roles.columns}), roles, notes)
    return None
