"""Handling of batches that do not fit: the same objective in less memory, never a smaller batch."""

from __future__ import annotations

import gc

import torch

from embedtune.config import Config
from embedtune.training.losses import LOSSES


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device or the machine had no more memory to give."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # The CPU allocator and some CUDA libraries raise a plain RuntimeError.
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "not enough memory" in text)


def smaller_mini_batch(config: Config, mini_batch_size: int | None) -> int | None:
    """The next mini-batch to try: half the last one, at first half of what the loss encodes at once.

    None when there is none below, the loss has no form with mini-batches, or ``train.gradient_checkpointing`` computes
    activations twice already: a cached form with it would compute them three times, and is refused everywhere else.

    Args:
        config: Of the trial.
        mini_batch_size: What did not fit; None for the whole batch at once.
    """
    loss = LOSSES[config.loss.name]
    if loss.cached is None or config.train.gradient_checkpointing:
        return None
    if mini_batch_size is None:
        mini_batch_size = min(config.train.batch_size, loss.mini_batch_size or config.train.batch_size)
    return mini_batch_size // 2 or None


def free_memory() -> None:
    """Release the memory that the failed attempt held."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
