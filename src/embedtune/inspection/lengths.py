"""How long the texts are in tokens of the chosen model, and how many are cut at its length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedtune.models.token_counts import token_counts
from embedtune.typed import Document

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SAMPLE = 10_000
"""Texts counted at most, evenly over all."""

EDGES = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)


@dataclass(frozen=True)
class Lengths:
    """Tokens of the texts of one role, prompt and special ones included.

    Attributes:
        role: ``query`` or ``document``.
        limit: Where the model cuts; None if it does not.
        counted: How many texts.
        total: Of how many.
        mean: Of the tokens, and ``median``, ``p95``, ``largest``.
        cut: How many of those counted are longer than ``limit``.
        histogram: Upper edge -> how many have at most as many tokens and more than the edge before; ``more`` beyond.
    """

    role: str
    limit: int | None
    counted: int
    total: int
    mean: float
    median: float
    p95: float
    largest: int
    cut: int
    histogram: dict[str, int]

    def to_dict(self) -> Document:
        """Plain types for JSON."""
        return asdict(self)


def count_tokens(model: SentenceTransformer, role: str, prompt: str, texts: Sequence[str]) -> Lengths | None:
    """The lengths of texts before the model cuts them; None for a model without one tokenizer, or without texts."""
    stride = max(1, -(-len(texts) // SAMPLE))
    counts = token_counts(model, [prompt + text for text in texts[::stride]])
    if not counts:
        return None
    tokens = np.array(counts)
    limit = model.max_seq_length
    limit = int(limit) if limit is not None and np.isfinite(limit) else None
    places = np.searchsorted(EDGES, tokens)
    names = [*map(str, EDGES), "more"]
    histogram = {name: int((places == place).sum()) for place, name in enumerate(names)}
    used = [place for place, name in enumerate(names) if histogram[name]]
    return Lengths(
        role=role,
        limit=limit,
        counted=len(counts),
        total=len(texts),
        mean=float(tokens.mean()),
        median=float(np.median(tokens)),
        p95=float(np.percentile(tokens, 95)),
        largest=int(tokens.max()),
        cut=int((tokens > limit).sum()) if limit is not None else 0,
        histogram={name: histogram[name] for name in names[used[0] : used[-1] + 1]},
    )
