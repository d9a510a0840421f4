"""The prompts of a model as far as its configuration and its files tell them, without loading it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from embedtune.config import ModelConfig
from embedtune.errors import EmbedtuneError
from embedtune.machine.files import read_regular
from embedtune.models.load import model_location

_LARGEST = 16 << 20
"""Bytes of a configuration."""


def known_prompts(config: ModelConfig) -> dict[str, str | None]:
    """Role -> the prompt that is read before its texts, empty for none; None where only the hub could tell."""
    saved = _saved(config)
    own = {role: None if saved is None else str(saved.get(role) or "") for role in vars(config.prompts)}
    return {role: own[role] if typed is None else typed for role, typed in vars(config.prompts).items()}


def _saved(config: ModelConfig) -> dict[str, Any] | None:
    """The prompts saved with a model in a folder; None for one that is not on this machine."""
    try:
        if config.name == "tiny":
            return {}
        folder = Path(model_location(config))
        if not folder.is_dir():
            return None
        values = json.loads(read_regular(folder / "config_sentence_transformers.json", _LARGEST, follow=True))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError, EmbedtuneError):
        return None
    prompts = values.get("prompts") or {} if isinstance(values, dict) else None
    return prompts if isinstance(prompts, dict) else None
