"""Checkpoints as whole models: what is released, averaged or cut has no adapters beside its weights."""

from __future__ import annotations

from pathlib import Path

from embedtune.config import ModelConfig
from embedtune.models.adapters import is_adapter
from embedtune.models.load import load_model


def whole_weights(checkpoint: Path, scratch: Path) -> Path:
    """The checkpoint itself, or for one of adapters a model folder in ``scratch`` with them merged into the weights.

    Raises:
        ModelError: The adapters or their base model cannot be loaded.
    """
    if not is_adapter(checkpoint):
        return checkpoint
    load_model(ModelConfig(name=str(checkpoint)), "cpu").save(str(scratch), create_model_card=False)
    return scratch
