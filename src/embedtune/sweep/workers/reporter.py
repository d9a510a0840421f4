"""A trial's evaluations reported to Optuna, whose pruner decides whether it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from optuna import Trial
from optuna.pruners import BasePruner

from embedtune.study.storage import persistently
from embedtune.sweep.strategies.query_pruner import QueryPruner, mean_step, repeat_queries, report_queries
from embedtune.sweep.strategies.schedule_pruner import SchedulePruner, share_step
from embedtune.trial.watching import Point, Reporter


def reporter_for(trial: Trial, pruner: BasePruner, earlier: Mapping[int, float]) -> Reporter:
    """The reporter that a pruner needs.

    Args:
        trial: That runs.
        pruner: Of its study.
        earlier: Step -> what was reported of the same configuration before it was interrupted.
    """
    if isinstance(pruner, QueryPruner):
        return QueryReporter(trial, earlier)
    return ScheduleReporter(trial) if isinstance(pruner, SchedulePruner) else OptunaReporter(trial)


@dataclass(frozen=True)
class OptunaReporter:
    """Reports the value of each evaluation under its ordinal."""

    trial: Trial

    def resumed(self, points: Sequence[Point]) -> None:
        """Report again what was measured before; whether the trial goes on is not asked, for it went on."""
        for point in points:
            self._report(point)

    def evaluated(self, point: Point, queries: NDArray[np.float64]) -> bool:
        """Report one evaluation; whether the pruner ends the trial."""
        self._report(point)
        return persistently(self.trial.should_prune)

    def _report(self, point: Point) -> None:
        persistently(lambda: self.trial.report(point.value, self._step(point)))

    def _step(self, point: Point) -> int:
        return point.ordinal


@dataclass(frozen=True)
class ScheduleReporter(OptunaReporter):
    """Reports the value of each evaluation under the share of the schedule that is behind it."""

    def _step(self, point: Point) -> int:
        return share_step(point.share)


@dataclass(frozen=True)
class QueryReporter(OptunaReporter):
    """Reports each evaluation by its queries too, which :class:`QueryPruner` compares in pairs."""

    earlier: Mapping[int, float] = field(default_factory=dict)

    def resumed(self, points: Sequence[Point]) -> None:
        """Report again what was measured before, as it was reported then."""
        persistently(lambda: repeat_queries(self.trial, len(points), self.earlier))
        super().resumed(points)

    def evaluated(self, point: Point, queries: NDArray[np.float64]) -> bool:
        """Report one evaluation; whether the pruner ends the trial."""
        persistently(lambda: report_queries(self.trial, point.ordinal, queries))
        return super().evaluated(point, queries)

    def _step(self, point: Point) -> int:
        return mean_step(point.ordinal)
