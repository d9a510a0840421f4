"""Two records of the same trial, compared. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embedtune.records import Evaluation, TrainingFacts, TrialRecord

Deviations = Mapping[str, Mapping[str, float]]
"""Dimension as text -> metric -> the difference of largest size, the second minus the first."""

COMPARED = ("device", "precision", "threads", "git_revision", "mini_batch_size")
"""Facts of a trial that can change its numbers; ``versions`` and ``digests`` are compared one by one."""


@dataclass(frozen=True)
class Difference:
    """Something that differs from the record.

    Attributes:
        what: Such as ``versions.torch``.
        recorded: What the record says; None if it says nothing.
        now: The same for the trial run again.
    """

    what: str
    recorded: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.what}: recorded {_said(self.recorded)}, now {_said(self.now)}"


@dataclass(frozen=True)
class Comparison:
    """A recorded trial beside the same trial run again.

    Attributes:
        differences: Of what they ran on.
        deviations: Of the scores, the largest over all evaluations of both.
        unmatched: Steps at which only one of them was evaluated.
        weights: Largest difference of a weight of the checkpoints; None where one of them was not kept.
    """

    differences: tuple[Difference, ...]
    deviations: Deviations
    unmatched: tuple[int, ...]
    weights: float | None

    @property
    def max_deviation(self) -> float:
        """Of scores and weights; infinite if the trials cannot be compared."""
        found = [abs(value) for values in self.deviations.values() for value in values.values()]
        if self.unmatched or not found:
            return math.inf
        return max([*found, 0.0 if self.weights is None else self.weights])

    @property
    def is_equal(self) -> bool:
        """Whether every score, and every weight if both were kept, is equal to the last bit."""
        return self.max_deviation == 0


def compare_scores(recorded: Sequence[Evaluation], again: Sequence[Evaluation]) -> tuple[Deviations, tuple[int, ...]]:
    """The largest difference of each score over the steps that both were evaluated at, and the steps that differ."""
    first, second = ({evaluation.step: evaluation.metrics for evaluation in found} for found in (recorded, again))
    deviations: dict[str, dict[str, float]] = {}
    for step in first.keys() & second.keys():
        for dim, metrics in first[step].items():
            largest = deviations.setdefault(dim, {})
            for name, value in metrics.items():
                found = _deviation(value, second[step].get(dim, {}).get(name, math.inf))
                if abs(found) >= abs(largest.get(name, 0.0)):
                    largest[name] = found
    return deviations, tuple(sorted(first.keys() ^ second.keys()))


def compare_facts(recorded: TrialRecord, again: TrialRecord) -> list[Difference]:
    """Differences between the environments of the two; a fact that an older version did not record is left out."""
    first, second = (_flat(record.facts) for record in (recorded, again))
    keys = [key for key in (*COMPARED, *first, *second) if key.partition(".")[0] in (*COMPARED, "versions", "digests")]
    pairs = ((key, first.get(key), second.get(key)) for key in dict.fromkeys(keys) if key in first or "." in key)
    return [Difference(key, before, now) for key, before, now in pairs if before != now]


def compare_models(recorded: TrainingFacts | None, again: TrainingFacts | None) -> list[Difference]:
    """The base models, where name or revision differ."""
    if recorded is None or again is None:
        return []
    pairs = ((name, getattr(recorded, name), getattr(again, name)) for name in ("base_model", "base_revision"))
    return [Difference(name, before, now) for name, before, now in pairs if before != now]


def _deviation(recorded: float, again: float) -> float:
    if recorded == again or (math.isnan(recorded) and math.isnan(again)):
        return 0.0
    difference = again - recorded
    return math.inf if math.isnan(difference) else difference


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in facts.items():
        flat |= {f"{key}.{name}": item for name, item in value.items()} if isinstance(value, Mapping) else {key: value}
    return flat


def _said(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 48 else f"{text[:12]}..."
