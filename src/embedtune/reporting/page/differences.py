"""In what recorded configurations differ: the parameters of trials that nobody searched for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedtune.records import Settings
from embedtune.typed import Document

GROUPS = ("model", "data", "train", "loss", "eval")
"""The parts of a configuration that make a result."""


def flatten(value: Any, key: str) -> Document:
    """Every leaf by its full key; a list is a leaf."""
    if not isinstance(value, Mapping):
        return {key: value}
    return {name: leaf for part, inner in value.items() for name, leaf in flatten(inner, f"{key}.{part}").items()}


def differing(configs: Mapping[int, Settings]) -> dict[int, Document]:
    """For each trial the keys whose values are not the same in all trials; absent keys are None."""
    leaves = {
        number: {key: leaf for group in GROUPS for key, leaf in flatten(config.get(group, {}), group).items()}
        for number, config in configs.items()
    }
    keys = dict.fromkeys(key for found in leaves.values() for key in found)
    varied = [key for key in keys if len({repr(found.get(key)) for found in leaves.values()}) > 1]
    return {number: {key: _plain(found.get(key)) for key in varied} for number, found in leaves.items()}


def _plain(leaf: Any) -> Any:
    return str(leaf) if isinstance(leaf, list) else leaf
