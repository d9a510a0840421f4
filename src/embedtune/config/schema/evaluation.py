"""``eval.*``: what is measured, where and how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from embedtune.config.schema.choices import Distractors, Gain

SMALLEST = "smallest"
"""As ``eval.second``: the same metric at the smallest dimension that is measured."""
DIMENSION = "dimension"
"""As ``eval.second``: the size of the embedding, the smaller the better."""


@dataclass
class EvalConfig:
    """``eval.*``: what is measured, where and how often."""

    objective: str = "cosine_map@100"
    dim: int | None = None
    second: Any = None
    split: str = "validation"
    every: Any = "epoch"
    batch_size: int = 32
    cutoffs: list[int] = field(default_factory=list)
    gain: Gain = Gain.linear
    distractors: Distractors = Distractors.none
    corpus: int | None = None
    folds: int = 0
