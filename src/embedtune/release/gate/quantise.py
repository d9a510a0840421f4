"""Embeddings as an index of fewer bits gives them back. Pure.

Documents are stored in 8 bits or 1 bit a number; queries stay in float32, and the score is that of the query with the
stored document. It is what a search ends with that takes more than it needs from the small index and ranks it again
with the float query, as Yamada, Asai & Hajishirzi 2021 do for one bit ("Efficient Passage Retrieval with Hashing for
Open-domain Question Answering"): here over the whole corpus, so that nothing hangs on how many are taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LEVELS = 256


def through_int8(corpus: Tensor) -> Tensor:
    """Each number as the middle of its bucket, of 256 equal ones between the corpus's least and largest in its column.

    The buckets are those of ``sentence_transformers.quantize_embeddings`` calibrated on the corpus.

    Args:
        corpus: Embeddings of shape (passages, dim), scaled to length 1 where the index compares by cosine.
    """
    values = corpus.float()
    low, high = values.amin(dim=0), values.amax(dim=0)
    step = (high - low) / (LEVELS - 1)
    step = step.where(step > 0, step.new_ones(()))  # a column of one value: its bucket begins at that value
    middle = 0.5 * (high > low)
    return low + (((values - low) / step).floor().clamp(0, LEVELS - 1) + middle) * step


def through_binary(corpus: Tensor) -> Tensor:
    """1 for a number above zero, else -1, of shape (passages, dim)."""
    return (corpus > 0).float() * 2 - 1
