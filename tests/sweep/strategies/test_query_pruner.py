from __future__ import annotations

import numpy as np
import optuna
import pytest
from numpy.typing import NDArray

from embedtune.sweep.strategies.query_pruner import (
    INSTANCES,
    STRIDE,
    QueryPruner,
    mean_step,
    repeat_queries,
    report_queries,
)

RANDOM = np.random.default_rng(0)
DIFFICULTY = RANDOM.beta(2, 1, 60)
Curve = list[NDArray[np.float64]]


def scores(shift: float, seed: int) -> NDArray[np.float64]:
    """Average precision of 60 queries: some are hard for every model."""
    noise = np.random.default_rng(seed).normal(0, 0.05, 60)
    return np.clip(DIFFICULTY + shift + noise, 0, 1)


def run(study: optuna.Study, curve: Curve) -> int:
    """Report evaluations as a worker does; how many there were before the pruner stopped."""
    trial = study.ask()
    for ordinal, values in enumerate(curve, start=1):
        report_queries(trial, ordinal, values)
        trial.report(float(values.mean()), mean_step(ordinal))
        if trial.should_prune():
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return ordinal
    study.tell(trial, float(curve[-1].mean()))
    return len(curve)


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study(direction="maximize", pruner=QueryPruner())


def test_bad_trial_is_pruned_and_good_ones_are_not(study: optuna.Study) -> None:
    learning = [scores(-0.3, 1), scores(-0.15, 2), scores(0.0, 3)]
    assert run(study, learning) == 3
    assert run(study, [scores(-0.45, 4), scores(-0.3, 5), scores(-0.2, 6)]) == 1
    # Below the best trial's end, but not below what it was at the same moment.
    assert run(study, [scores(-0.29, 7), scores(-0.14, 8), scores(0.02, 9)]) == 3


def test_first_trial_and_equal_trials_are_never_pruned(study: optuna.Study) -> None:
    curve = [scores(0.0, 1), scores(0.0, 1)]
    assert run(study, curve) == 2
    assert run(study, curve) == 2


def test_longer_trial_is_compared_with_the_end_of_the_best(study: optuna.Study) -> None:
    assert run(study, [scores(0.0, 1)]) == 1
    assert run(study, [scores(0.0, 2), scores(0.01, 3), scores(-0.3, 4), scores(0.0, 5)]) == 3


def test_best_that_lacks_an_evaluation_is_not_compared_with_a_later_one(study: optuna.Study) -> None:
    best = study.ask()  # it went on from its second evaluation: of the first the mean alone is known
    best.report(0.3, mean_step(1))
    report_queries(best, 2, scores(0.2, 1))
    study.tell(best, float(scores(0.2, 1).mean()))
    assert run(study, [scores(-0.1, 2), scores(0.2, 3)]) == 2


def test_trial_that_goes_on_is_compared_at_what_was_reported_before(study: optuna.Study) -> None:
    first = study.ask()
    for ordinal in (1, 2):
        report_queries(first, ordinal, scores(0.1 * ordinal, ordinal))
        first.report(0.1 * ordinal, mean_step(ordinal))
    earlier = study.get_trials()[first.number].intermediate_values
    study.tell(first, state=optuna.trial.TrialState.FAIL)
    again = study.ask()
    repeat_queries(again, 1, earlier)  # it was saved after its first evaluation
    again.report(0.1, mean_step(1))
    went_on = study.get_trials()[again.number].intermediate_values
    assert went_on == {step: value for step, value in earlier.items() if step <= mean_step(1)}


def test_few_and_many_queries(study: optuna.Study) -> None:
    assert run(study, [np.array([0.9])]) == 1
    assert run(study, [np.array([0.1])]) == 1  # one query proves nothing
    trial = study.ask()
    report_queries(trial, 1, np.linspace(0, 1, 5_000))
    steps = study.get_trials()[trial.number].intermediate_values
    assert (len(steps), min(steps), max(steps)) == (INSTANCES, STRIDE, STRIDE + INSTANCES - 1)


def test_pruned_trial_has_its_mean_as_its_last_value(study: optuna.Study) -> None:
    run(study, [scores(0.0, 1)])
    bad = scores(-0.4, 2)
    assert run(study, [bad]) == 1
    told = study.get_trials()[1]
    assert told.last_step is not None
    assert told.intermediate_values[told.last_step] == pytest.approx(bad.mean())


def test_infeasible_best_is_no_yardstick(study: optuna.Study) -> None:
    trial = study.ask()
    report_queries(trial, 1, scores(0.3, 1))
    trial.set_constraint("seconds <= 1", 5.0)
    study.tell(trial, 1.0)
    assert run(study, [scores(-0.2, 2)]) == 1
    assert study.get_trials()[1].state == optuna.trial.TrialState.COMPLETE


def test_wrong_threshold_is_refused() -> None:
    with pytest.raises(ValueError, match="p_threshold must be between 0 and 1"):
        QueryPruner(p_threshold=1.5)
