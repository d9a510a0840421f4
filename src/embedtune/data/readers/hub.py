"""A dataset on the Hugging Face hub: rows, or in the form of MTEB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from embedtune.config import DataConfig
from embedtune.data.drafts import Draft, Notes, listed
from embedtune.data.readers.dataset import collections_of, rows_of


def read_hub(config: DataConfig) -> Draft:
    """The rows of every split, or the splits of a dataset in the form of MTEB."""
    source = f"{config.path}@{config.revision}" if config.revision else str(config.path)
    notes = Notes()
    parts = _parts(config)
    if parts is not None:
        corpus, queries, judged = (_load(replace(config, subset=name), notes) for name in parts)
        draft = collections_of(list(corpus.values()), list(queries.values()), judged, config, notes)
        return replace(draft, source=source).noted(notes)
    return rows_of(_load(config, notes), source, config, notes).noted(notes)


def _parts(config: DataConfig) -> tuple[str, str, str] | None:
    """The subsets of passages, queries and judgements, of a dataset that has them apart."""
    import datasets

    names = _subsets(datasets.get_dataset_config_names, config)
    judged = [config.subset] if config.subset else ["default", "qrels"]
    found = [name for name in judged if name in names and name not in ("corpus", "queries")]
    return ("corpus", "queries", found[0]) if {"corpus", "queries"} <= set(names) and found else None


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
