"""Trials are compared at equal shares of their schedules, not at equal epochs."""

from __future__ import annotations

from collections.abc import Mapping

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from embedtune.sweep.strategies.schedule_pruner import WHOLE, SchedulePruner, share_step

LONG = {0.2: 0.50, 0.4: 0.60, 0.6: 0.68, 0.8: 0.72, 1.0: 0.74}


def run(study: optuna.Study, curve: Mapping[float, float]) -> float:
    """Report a curve by shares; the share at which the pruner stopped it, or 1."""
    trial = study.ask()
    for share, value in curve.items():
        trial.report(value, share_step(share))
        if trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return share
    study.tell(trial, max(curve.values()))
    return 1.0


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study(direction="maximize", pruner=SchedulePruner(warmup_share=0.0))


def test_a_long_trial_is_not_stopped_by_short_ones_that_are_done(study: optuna.Study) -> None:
    for value in (0.70, 0.71, 0.72):
        run(study, {1.0: value})
    assert run(study, LONG) == 1.0


def test_it_is_stopped_by_what_others_were_at_that_share(study: optuna.Study) -> None:
    run(study, LONG)
    run(study, {0.5: 0.66, 1.0: 0.75})
    # At 0.6 the two are 0.68 and, between 0.66 and 0.75, 0.678; at 0.4 only the first has a value.
    assert run(study, {0.2: 0.4, 0.4: 0.5, 0.6: 0.67, 1.0: 0.9}) == 0.6
    assert run(study, {0.2: 0.4, 0.4: 0.5, 0.6: 0.68, 1.0: 0.9}) == 1.0


def test_what_is_at_its_end_is_complete(study: optuna.Study) -> None:
    for _ in range(3):
        run(study, {1.0: 0.9})
    assert run(study, {1.0: 0.1}) == 1.0
    assert study.trials[-1].state is TrialState.COMPLETE


def test_its_best_so_far_counts(study: optuna.Study) -> None:
    run(study, LONG)
    run(study, LONG)
    assert run(study, {0.2: 0.75, 0.4: 0.1, 1.0: 0.2}) == 1.0


def test_warm_up_and_percentile(study: optuna.Study) -> None:
    study.pruner = SchedulePruner(percentile=25.0, n_startup_trials=3, warmup_share=0.5)
    for shift in (0.0, 0.1, 0.2):
        run(study, {share: value + shift for share, value in LONG.items()})
    assert run(study, {0.2: 0.0, 0.4: 0.0, 0.6: 0.82, 0.8: 0.88, 1.0: 1.0}) == 0.6


@pytest.mark.parametrize("options", [{"percentile": 101.0}, {"n_startup_trials": 0}, {"warmup_share": 1.5}])
def test_what_cannot_be_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        SchedulePruner(**options)  # type: ignore[arg-type]


@given(st.floats(0, 1.2), st.floats(0, 1.2))
def test_steps_are_in_the_order_of_shares(first: float, second: float) -> None:
    assert 0 <= share_step(first) <= WHOLE
    assert share_step(first) <= share_step(second) or first > second
