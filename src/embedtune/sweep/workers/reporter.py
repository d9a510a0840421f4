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
from embedtune.trial.watching import Reporter


def reporter_for(trial: Trial, pruner: BasePruner, earlier: Mapping[int, float]) -> Reporter:
    """The reporter that a pruner needs.

    Args:
        trial: That runs.
        pruner: Of its study.
        earlier: Step -> what was reported of the same configuration before it was interrupted.
    """
    return QueryReporter(trial, earlier) if isinstance(pruner, QueryPruner) else OptunaReporter(trial)


@dataclass(frozen=True)
class OptunaReporter:
    """Reports the value of each evaluation under its ordinal."""

    trial: Trial

    def resumed(self, values: Sequence[float]) -> None:
        """Report again what was measured before; whether the trial goes on is not asked, for it went on."""
        for ordinal, value in enumerate(values, start=1):
            self._report(ordinal, value)

    def evaluated(self, ordinal: int, value: float, queries: NDArray[np.float64]) -> bool:
        """Report one evaluation; whether the pruner ends the trial."""
        self._report(ordinal, value)
        return persistently(self.trial.should_prune)

    def _report(self, ordinal: int, value: float) -> None:
        persistently(lambda: self.trial.report(value, ordinal))


@dataclass(frozen=True)
class QueryReporter(OptunaReporter):
    """Reports each evaluation by its queries too, which :class:`QueryPruner` compares in pairs."""

    earlier: Mapping[int, float] = field(default_factory=dict)

    def resumed(self, values: Sequence[float]) -> None:
        """Report again what was measured before, as it was reported then."""
        persistently(lambda: repeat_queries(self.trial, len(values), self.earlier))
        super().resumed(values)

    def evaluated(self, ordinal: int, value: float, queries: NDArray[np.float64]) -> bool:
        """Report one evaluation; whether the pruner ends the trial."""
        persistently(lambda: report_queries(self.trial, ordinal, queries))
        return super().evaluated(ordinal, value, queries)

    def _report(self, ordinal: int, value: float) -> None:
        persistently(lambda: self.trial.report(value, mean_step(ordinal)))
