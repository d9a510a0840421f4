"""The candidates for a release. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedtune.errors import ConfigError
from embedtune.ranking import rank
from embedtune.records import TrialRecord


class Kind(StrEnum):
    """Where a candidate comes from."""

    TRIAL = "trial"
    SOUP = "soup"
    INCUMBENT = "incumbent"
    UNTUNED = "untuned"


@dataclass(frozen=True)
class Candidate:
    """One model to choose from.

    Attributes:
        name: For people: ``trial 3``, ``untuned model``.
        kind: Where it comes from.
        scores: The objective of each query, float64 of shape (queries,); all candidates share queries and order.
        dim: The size of embedding at which these are read.
        seconds: What its training took.
        numbers: The trials whose weights it is made of.
        is_default: Whether it is the recipe as configured, without any searched value.
        folder: Its weights; None where they are gone, so that it can be compared but not released.
        seeds: Over how many trainings with fresh seeds the scores are a mean; 0: they are those of its weights.
        seed_seconds: What those took.
    """

    name: str
    kind: Kind
    scores: NDArray[np.float64]
    dim: int
    seconds: float = 0.0
    numbers: tuple[int, ...] = ()
    is_default: bool = False
    folder: Path | None = None
    seeds: int = 0
    seed_seconds: float = 0.0

    @property
    def value(self) -> float:
        """The objective: the mean over queries."""
        return float(self.scores.mean())

    @property
    def is_releasable(self) -> bool:
        """Whether it is new and has weights; the untuned model and the incumbent are what there already is."""
        return self.kind in (Kind.TRIAL, Kind.SOUP) and self.folder is not None


@dataclass(frozen=True)
class Incumbent:
    """The model in use: the registry's champion.

    Attributes:
        name: For people, such as ``rights version 2``.
        folder: Where it can be loaded from.
    """

    name: str
    folder: Path


@dataclass(frozen=True)
class Pool:
    """Everything that is judged, on the same queries.

    Attributes:
        candidates: Of the release.
        tried: The recorded scores of every trial of the study, by number.
        groups: Of the queries, of shape (queries,).
        split: Where the scores are from: ``validation``, or ``folds`` of the training queries.
    """

    candidates: tuple[Candidate, ...]
    tried: Mapping[int, NDArray[np.float64]]
    groups: NDArray[np.intp]
    split: str


def finalists(
    records: Sequence[TrialRecord], default: TrialRecord | None, *, limit: int, number: int | None
) -> list[TrialRecord]:
    """The trials judged: the one named, or the best that keep their weights and the default recipe's.

    Args:
        records: The study's trials.
        default: The trial of the default recipe; judged even if its weights are gone.
        limit: ``release.candidates``.
        number: ``release.trial``.

    Raises:
        ConfigError: There is no such trial, or none keeps its weights.
    """
    kept = [record for record in rank(records) if record.checkpoint is not None]
    if number is not None:
        named = [record for record in kept if record.number == number]
        if not named:
            names = ", ".join(str(number) for number in sorted(record.number for record in kept)) or "none"
            raise ConfigError(
                f"release.trial must be a trial that keeps its weights, but got {number}. There are: {names}."
            )
        return named
    if not kept:
        raise ConfigError("study must have a trial that keeps its weights, but it has none. Run the study first.")
    best = [record for record in kept if record.feasible][:limit]
    if not best:
        raise ConfigError(
            "study must have a trial that keeps its weights and the study's constraints, but it has none. "
            "Run more trials, or name one with release.trial."
        )
    return best if default is None or default in best or not default.feasible else [*best, default]
