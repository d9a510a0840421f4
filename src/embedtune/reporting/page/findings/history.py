"""The best value so far, trial by trial. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from embedtune.ranking import best
from embedtune.records import State
from embedtune.reporting.page.inputs import Absent, ReportInputs, value_of
from embedtune.units import count


@dataclass(frozen=True)
class HistoryInfo:
    """Findings on the optimisation history.

    Attributes:
        metric: The objective.
        points: (number, value, state) of every trial with a value, in order of number.
        best: (number, value of the best trial so far) at each of these.
        best_number: The trial that ranks first.
        failed: Numbers of failed trials.
        baseline: The untuned base model's value.
    """

    metric: str
    points: tuple[tuple[int, float, State], ...]
    best: tuple[tuple[int, float], ...]
    best_number: int
    failed: tuple[int, ...]
    baseline: float | None

    @property
    def since_best(self) -> int:
        """Trials with a value after the best one."""
        return sum(number > self.best_number for number, _, _ in self.points)

    @property
    def finding(self) -> str:
        """The finding in words."""
        since = f"; {count(self.since_best, 'trial')} since then found nothing better" if self.since_best else ""
        first, last = self.best[0][1], self.best[-1][1]
        rise = f" The first trial had {first:.4f}." if last > first else ""
        return f"Trial {self.best_number} set the best value, {last:.4f}{since}.{rise}"


def history_info(inputs: ReportInputs) -> HistoryInfo | Absent:
    """The history of the study."""
    records = sorted(inputs.ranked, key=lambda record: record.number)
    if not records:
        return Absent("No trial has a score yet.")
    points = tuple((record.number, value_of(record), record.state) for record in records)
    first, so_far = records[0], []
    for record in records:
        first = best((first, record)) or record
        so_far.append((record.number, value_of(first)))
    failed = tuple(record.number for record in inputs.records if record.state == State.FAIL)
    return HistoryInfo(inputs.metric, points, tuple(so_far), first.number, failed, inputs.untuned)
