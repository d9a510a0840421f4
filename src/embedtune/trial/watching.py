"""Receivers of a running trial's events: a watcher, the tracking store, the pruner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from embedtune.paths import TrialPaths
from embedtune.records import Evaluation, TrialRecord
from embedtune.training import Progress


class Watcher(Protocol):
    """Somebody who looks on while a trial runs."""

    def began(self, record: TrialRecord) -> None:
        """The trial starts."""

    def stepped(self, number: int, progress: Progress) -> None:
        """One optimiser step of trial ``number`` is done."""

    def evaluated(self, number: int, evaluation: Evaluation) -> None:
        """One evaluation of trial ``number`` is recorded."""

    def fold_ended(self, number: int, fold: str, value: float) -> None:
        """One fold of trial ``number`` is scored, e.g. ``2/5``; the value is of all queries scored so far."""

    def ended(self, record: TrialRecord) -> None:
        """The trial's result is recorded."""


class Silent:
    """A watcher that shows nothing."""

    def began(self, record: TrialRecord) -> None:
        """Show nothing."""

    def stepped(self, number: int, progress: Progress) -> None:
        """Show nothing."""

    def evaluated(self, number: int, evaluation: Evaluation) -> None:
        """Show nothing."""

    def fold_ended(self, number: int, fold: str, value: float) -> None:
        """Show nothing."""

    def ended(self, record: TrialRecord) -> None:
        """Show nothing."""


@dataclass(frozen=True)
class Point:
    """One evaluation of a trial, or one of its folds, as a pruner sees it.

    Attributes:
        ordinal: Of the evaluation, 1-based.
        share: Of the training's steps that are behind it, or of the folds; above 0 and at most 1.
        value: The objective.
    """

    ordinal: int
    share: float
    value: float


class Reporter(Protocol):
    """A receiver of each value of a trial that may end it."""

    def resumed(self, points: Sequence[Point]) -> None:
        """The trial goes on with these evaluations behind it, from the first on."""

    def evaluated(self, point: Point, queries: NDArray[np.float64]) -> bool:
        """One evaluation is measured, or one fold scored; True prunes the trial.

        Args:
            point: The evaluation.
            queries: The objective of each query, of shape (queries,).
        """
        ...


class NoReporter:
    """A reporter that lets every trial go on."""

    def resumed(self, points: Sequence[Point]) -> None:
        """Tell nobody."""

    def evaluated(self, point: Point, queries: NDArray[np.float64]) -> bool:
        """Let it go on."""
        return False


@dataclass(frozen=True)
class Hooks:
    """Receivers of a trial's events.

    Attributes:
        watcher: Shown progress.
        deliver: Sends the trial's folder to the tracking store; never raises.
        reporter: Told each value, may end the trial.
        judge: Given the record of a trial that ends, the facts about it that only its study can know.
    """

    watcher: Watcher
    deliver: Callable[[TrialPaths], None] = lambda _: None
    reporter: Reporter = field(default_factory=NoReporter)
    judge: Callable[[TrialRecord], Mapping[str, Any]] = lambda _: {}
