"""The facts of a trial that others read: their names, and the types of those that anything is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

UNMOVED = "unmoved"
"""Fact of a trial after which the weights were what they had been: why."""
ROWS_SHARE = "rows_share"
"""Fact of a trial: the rows in all batches of its training, as a share of those that ``train.epochs`` asks for."""
ENOUGH_ROWS = 0.9
"""The share below which a training is reported to see too few rows."""
BASE = "base"
"""Fact of an untuned base model that is not the study's default one: the word that its folder has."""
EMBEDDING_SIZE = "embedding_size"
"""Fact of a trial: the full size of its model's embedding."""
PARAMETERS = "parameters"
"""Fact of a trial: the parameters of its model."""
PASSAGES_PER_SECOND = "passages_per_second"
"""Fact of a trial: passages that its evaluations embedded a second, in the median, on its device in fp32."""
CORPUS_DIGEST = "corpus_digest"
"""Fact of a trial with ``eval.corpus``: sha256 of the ids of the passages that its validation queries searched."""
PROMPTS = "prompts"
"""Fact of a trial: role -> the prompt that its model reads before each text; only those that are not empty."""
NEGATIVES = "negatives"
"""Fact of a trial with mined negatives: how many a row, of all sets how many were drawn at random, and how."""

SYNTHETIC = "synthetic"
"""Fact of a trial: how the queries that nobody asked were made, and of which splits they are."""


@dataclass(frozen=True)
class KnownFacts:
    """The types of those facts of a trial that anything is computed from."""

    base: str | None = None
    base_model: str | None = None
    base_revision: str | None = None
    constraints: Mapping[str, float] | None = None
    second: Literal["dimension"] | int | None = None
    dim: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str | None] = field(default_factory=dict)
    device_seconds: float | None = None
    peak_memory_bytes: float | None = None
    tokens: float | None = None
    steps: int | None = None
    embedding_size: int | None = None
    parameters: int | None = None
    passages_per_second: float | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    negatives: Mapping[str, str | int | float | None] = field(default_factory=dict)
    rows_seen: float | None = None
    rows_share: float = 1.0
    threads: int | None = None
    corpus_digest: str | None = None
    corpus_passages: int | None = None
    corpus_whole: int | None = None
    restarts: int = 0
    folds_done: int = 0
