"""Gradient checkpointing: activations are computed a second time in the backward pass instead of kept.

Training Deep Nets with Sublinear Memory Cost, Chen et al., 2016.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sentence_transformers import SentenceTransformer
from transformers import PreTrainedModel

from embedtune.models.attention import encoders


@contextmanager
def checkpointed(model: SentenceTransformer) -> Iterator[None]:
    """Inside the block the encoders of a model in training mode keep the input of each layer alone.

    Not by the trainer's own argument: it calls a method of sentence-transformers that transformers will drop.
    """
    found = _encoders(model)
    for encoder in found:
        encoder.activation_checkpointing_enable()
    try:
        yield
    finally:
        for encoder in found:
            encoder.activation_checkpointing_disable()
            encoder.disable_input_require_grads()  # a hook that only enabling it adds


def can_checkpoint(model: SentenceTransformer) -> bool:
    """Whether a part of it can compute its activations twice."""
    return bool(_encoders(model))


def _encoders(model: SentenceTransformer) -> list[PreTrainedModel]:
    """Those that support it: each passes it on to its layers."""
    return [encoder for encoder in encoders(model) if encoder.supports_gradient_checkpointing]
