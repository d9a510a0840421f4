"""Whom a running trial tells: somebody who watches, the tracking store, the pruner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

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

    def ended(self, record: TrialRecord) -> None:
        """The trial's result is recorded."""


@dataclass(frozen=True)
class Hooks:
    """Whom a trial tells.

    Attributes:
        watcher: Shown progress.
        deliver: Sends the trial's folder to the tracking store; never raises.
        report: Given the ordinal of an evaluation (1-based) and its value; True prunes the trial.
    """

    watcher: Watcher
    deliver: Callable[[TrialPaths], None] = lambda _: None
    report: Callable[[int, float], bool] = lambda _ordinal, _value: False
