"""A dataset of rows on the Hugging Face hub."""

from __future__ import annotations

from typing import Any

from embedtune.config import DataConfig
from embedtune.data.drafts import Draft, Problem, Rows
from embedtune.data.readers.rows import ignored, match_columns, rows_from_columns

_SPLIT_NAMES = {"train": ("train",), "validation": ("validation", "dev", "val"), "test": ("test",)}


def read_hub(config: DataConfig) -> Draft:
    """The rows of every split; a dataset with a training split alone comes in one piece."""
    source = f"{config.path}@{config.revision}" if config.revision else str(config.path)
    problems: list[Problem] = []
    found = _load(config, problems)
    tables: dict[str, Rows] = {}
    for split, usual in _SPLIT_NAMES.items():
        given = config.splits.get(split)
        name = given or next((name for name in usual if name in found), None)
        if name in found:
            rows = _rows(found[name], f"{source} {name}", config, problems)
            tables |= {split: rows} if rows else {}
        elif given:
            message = f"data.splits.{split} must be a split of {source}, but got {given}; it has {', '.join(found)}."
            problems.append(Problem("data.splits", f"{message} Use one of them."))
    if list(tables) == ["train"] and not config.splits:
        return Draft(source, single=tables["train"], problems=tuple(problems))
    return Draft(source, tables, problems=tuple(problems))


def _load(config: DataConfig, problems: list[Problem]) -> dict[str, Any]:
    """Split name -> dataset; empty after noting why it cannot be had."""
    import datasets

    try:
        return dict(datasets.load_dataset(config.path, revision=config.revision))
    # The library passes on the errors of whatever it reads through: HTTP clients, file systems, parsers.
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        message = (
            f"data.path must be a dataset that the hub or its cache gives, but got {config.path}: {reason}. "
            "Check the name and the network, or download its files and use data=files data.path=FOLDER."
        )
        problems.append(Problem("hub", message))
        return {}


def _rows(dataset: Any, place: str, config: DataConfig, problems: list[Problem]) -> Rows | None:
    columns = match_columns(dataset.column_names, config.columns, place, problems)
    if columns is None:
        return None
    values = {role: list(dataset[name]) for role, name in columns.items()}
    return rows_from_columns(values, place, ignored(dataset.column_names, columns))
