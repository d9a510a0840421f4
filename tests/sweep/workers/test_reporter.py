"""What Optuna is told of a trial's evaluations."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.pruners import MedianPruner

from embedtune.sweep.strategies.query_pruner import STRIDE, QueryPruner, mean_step
from embedtune.sweep.strategies.schedule_pruner import SchedulePruner
from embedtune.sweep.workers.reporter import OptunaReporter, QueryReporter, reporter_for
from embedtune.trial.watching import Point


@pytest.fixture
def trial() -> optuna.Trial:
    return optuna.create_study(direction="maximize").ask()


def test_each_value_is_reported_under_its_ordinal(trial: optuna.Trial) -> None:
    reporter = reporter_for(trial, MedianPruner(), {})
    assert type(reporter) is OptunaReporter
    reporter.resumed([Point(1, 0.2, 0.1), Point(2, 0.4, 0.2)])
    assert not reporter.evaluated(Point(3, 0.6, 0.3), np.array([0.3, 0.3]))
    assert trial.study.trials[0].intermediate_values == {1: 0.1, 2: 0.2, 3: 0.3}


def test_a_pruner_of_queries_is_told_each_of_them(trial: optuna.Trial) -> None:
    earlier = {STRIDE: 0.05, STRIDE + 1: 0.15, mean_step(1): 0.1, 2 * STRIDE: 0.9}
    reporter = reporter_for(trial, QueryPruner(), earlier)
    assert type(reporter) is QueryReporter
    reporter.resumed([Point(1, 0.5, 0.1)])
    assert trial.study.trials[0].intermediate_values == {k: v for k, v in earlier.items() if k != 2 * STRIDE}
    reporter.evaluated(Point(2, 1.0, 0.3), np.array([0.2, 0.4]))
    reported = trial.study.trials[0].intermediate_values
    assert (reported[2 * STRIDE], reported[2 * STRIDE + 1], reported[mean_step(2)]) == (0.2, 0.4, 0.3)


def test_the_pruner_decides(trial: optuna.Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "should_prune", lambda: True)
    assert reporter_for(trial, MedianPruner(), {}).evaluated(Point(1, 0.5, 0.3), np.array([0.3]))


def test_a_pruner_of_schedules_is_told_the_share_that_is_behind(trial: optuna.Trial) -> None:
    reporter = reporter_for(trial, SchedulePruner(), {})
    reporter.resumed([Point(1, 1 / 3, 0.1)])
    assert not reporter.evaluated(Point(2, 2 / 3, 0.2), np.array([0.2]))
    assert trial.study.trials[0].intermediate_values == {3333: 0.1, 6667: 0.2}
