"""One evaluation of a trial, and the rules of numbers that are read back."""

from __future__ import annotations

from dataclasses import dataclass

from embedtune import typed
from embedtune.records.data import Metrics

LAST_MOMENT = 253_402_300_800_000
"""Milliseconds since the epoch, at which the year 10000 begins: no calendar knows later ones."""


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of a trial: a line of its ``metrics.jsonl``.

    Attributes:
        step: Optimiser steps done, 1-based; 0 is the untrained model.
        epoch: The same as a fraction of epochs.
        value: The objective, larger is better.
        metrics: All metrics of all dimensions.
        seconds: Since the trial began.
        timestamp: Milliseconds since the epoch; replaying a record keeps it.
        loss: Mean training loss since the evaluation before; None at step 0.
        learning_rate: At this step; None at step 0.
        second: The objective at a second dimension, where the study optimises both.
        averaged: Whether this is the point of ``train.average``, which counts as one step after the last.
    """

    step: int
    epoch: float
    value: float
    metrics: Metrics
    seconds: float
    timestamp: int
    loss: float | None = None
    learning_rate: float | None = None
    second: float | None = None
    averaged: bool = False

    @property
    def merit(self) -> float:
        """The criterion for the best step of a trial: the value, or the mean of both qualities.

        No other evaluation of the trial is better in both: a maximum of a sum with positive weights is Pareto optimal
        (Geoffrion, Proper efficiency and the theory of vector maximization, 1968).
        """
        return self.value if self.second is None else (self.value + self.second) / 2

    @classmethod
    def from_dict(cls, values: object) -> Evaluation:
        """From the JSON of ``dataclasses.asdict``; keys of newer versions are left out.

        Raises:
            ValueError: It is no evaluation.
        """
        found = typed.read(cls, values, unknown=True)
        check_dims(found.metrics)
        check(found.step >= 0, "step must be at least 0", found.step)
        check(typed.is_number(found.value), "value must be a finite number", found.value)
        check(found.second is None or typed.is_number(found.second), "second must be a finite number", found.second)
        check(0 <= found.timestamp < LAST_MOMENT, "timestamp must be a time in milliseconds", found.timestamp)
        return found


def check(holds: bool, rule: str, value: object) -> None:
    """Require a rule of a record that was read.

    Raises:
        ValueError: It does not hold.
    """
    if not holds:
        raise ValueError(f"{rule}, but is {value}")


def check_dims(metrics: Metrics) -> None:
    """Require that the keys of metrics are sizes of embeddings."""
    for dim in metrics:
        check(dim.isascii() and dim.isdecimal() and len(dim) < 10, "metrics must have dimensions as keys", repr(dim))
