"""Whom a running trial tells: somebody who watches, the tracking store, the pruner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
class Hooks:
    """Whom a trial tells.

    Attributes:
        watcher: Shown progress.
        deliver: Sends the trial's folder to the tracking store; never raises.
        scored: Given the ordinal of an evaluation (1-based) and the objective of each query, before ``report``.
        resumed: Given how many evaluations a trial that goes on has behind it, before they are reported again.
        report: Given the ordinal of an evaluation and its value; True prunes the trial.
        judge: Given the record of a trial that ends, the facts about it that only its study can know.
    """

    watcher: Watcher
    deliver: Callable[[TrialPaths], None] = lambda _: None
    scored: Callable[[int, NDArray[np.float64]], None] = lambda _ordinal, _values: None
    resumed: Callable[[int], None] = lambda _: None
    report: Callable[[int, float], bool] = lambda _ordinal, _value: False
    judge: Callable[[TrialRecord], Mapping[str, Any]] = lambda _: {}
