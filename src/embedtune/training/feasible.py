"""What a base model cannot be trained with, found on the loaded model before a step is taken."""

from __future__ import annotations

from collections.abc import Iterator

from sentence_transformers import SentenceTransformer

from embedtune.config import Config, Precision
from embedtune.training.checkpointing import can_checkpoint

_OVERFLOWS = ("gemma",)
"""Beginnings of ``model_type`` whose activations are larger than fp16 holds (65,504): their embeddings become NaN."""


def model_problems(model: SentenceTransformer, config: Config) -> Iterator[str]:
    """A sentence for each setting of ``train.*`` that a base model does not go with."""
    name, train = config.model.name, config.train
    kinds = {str(getattr(getattr(module, "config", None), "model_type", "")) for module in model.modules()}
    overflowing = next((kind for kind in sorted(kinds) if kind.startswith(_OVERFLOWS)), None)
    if train.precision is Precision.fp16 and overflowing:
        yield (
            f"train.precision must be auto, bf16 or fp32 for {name}, whose activations ({overflowing}) overflow fp16, "
            "but got fp16. Try auto."
        )
    if train.gradient_checkpointing and not can_checkpoint(model):
        yield (
            f"train.gradient_checkpointing must be false for {name}, which has no layers that can be computed twice, "
            "but got true. Remove it."
        )
