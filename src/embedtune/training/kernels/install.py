"""Train a model with our attention and dropout inside a block, and leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sentence_transformers import SentenceTransformer
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from embedtune.training.kernels.attention import Attention
from embedtune.training.kernels.dropout import dropout
from embedtune.training.kernels.masks import KeepMasks

NAME = "embedtune"
"""The name under which transformers knows our attention."""
_STOCK = "sdpa"


@contextmanager
def own_kernels(model: SentenceTransformer) -> Iterator[KeepMasks]:
    """Inside the block dropout, and attention where the architecture lets it be chosen, are ours.

    Not for a loss that runs a forward pass twice (GradCache, gradient checkpointing): the second would drop otherwise.

    Yields:
        The masks; call ``reseed`` at each step.
    """
    masks = KeepMasks()
    layers = [module for module in model.modules() if type(module) is nn.Dropout]
    chosen = _choose_attention(model, masks)
    for layer in layers:
        vars(layer)["forward"] = partial(dropout, layer, masks)
    try:
        yield masks
    finally:
        for layer in layers:
            del vars(layer)["forward"]
        if chosen is not None:
            chosen.set_attn_implementation(_STOCK)


def _choose_attention(model: SentenceTransformer, masks: KeepMasks) -> Any | None:
    """The encoder that uses our attention from now on; None for one whose attention is another or cannot be chosen."""
    encoder: Any = model.transformers_model
    if getattr(getattr(encoder, "config", None), "_attn_implementation", None) != _STOCK:
        return None
    AttentionInterface.register(NAME, Attention(masks))
    AttentionMaskInterface.register(NAME, sdpa_mask)
    try:
        encoder.set_attn_implementation(NAME)
    except ValueError:  # the architecture has its own
        return None
    return encoder
