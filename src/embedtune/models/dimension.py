"""The size of a model's embedding as far as its files tell it: wrong sizes are refused before weights are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embedtune.config import ModelConfig
from embedtune.machine.files import read_regular
from embedtune.models.load import model_location
from embedtune.models.tiny import TINY_DIM

_KEEP_SIZE = ("Normalize", "Dropout")
_LARGEST = 16 << 20
"""Bytes of a configuration."""


def known_dimension(config: ModelConfig) -> int | None:
    """The size of an embedding where the files leave no doubt; None for a hub id and for modules of another kind.

    Raises:
        ModelError: A packaged model is not installed, or a path names no folder.
    """
    if config.name == "tiny":
        return TINY_DIM
    folder = Path(model_location(config))
    if not folder.is_dir():
        return None
    try:
        size = _modules_dimension(folder)
        cut = _read(folder / "config_sentence_transformers.json", {}).get("truncate_dim")
        return min(int(size), int(cut)) if size and cut else size
    except (ValueError, TypeError, AttributeError, OverflowError):  # values of other types: loading will tell
        return None


def _modules_dimension(folder: Path) -> int | None:
    """The last module that sets a size decides."""
    for module in reversed(_read(folder / "modules.json", [])):
        package, _, kind = str(module.get("type")).rpartition(".")
        if not package.startswith("sentence_transformers."):
            return None
        if kind not in _KEEP_SIZE:
            config = _read(folder / str(module.get("path")) / "config.json", {})
            return _size(kind, config) if module.get("path") else None
    return None


def _size(kind: str, config: Mapping[str, Any]) -> int | None:
    if kind == "Dense":
        return config.get("out_features")
    each = config.get("embedding_dimension") or config.get("word_embedding_dimension")
    if kind != "Pooling" or each is None:
        return None
    modes = config.get("pooling_mode")
    if modes is None:  # a word for each mode in files of older versions
        modes = [name for name, chosen in config.items() if name.startswith("pooling_mode_") and chosen]
    return int(each) * (1 if isinstance(modes, str) else len(modes)) or None


def _read(file: Path, default: Any) -> Any:
    """Parsed JSON of the default's type; the default if there is no such file, or nothing of that kind in it."""
    try:
        values = json.loads(read_regular(file, _LARGEST, follow=True))
    except (OSError, ValueError, RecursionError):
        return default
    return values if isinstance(values, type(default)) else default
