"""What is asked of a sampler, with real studies and a stub for the training."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import optuna
import pytest
from optuna.pruners import NopPruner
from optuna.trial import TrialState

from embedtune.errors import SpaceUsedUp
from embedtune.paths import StudyPaths
from embedtune.study import ANSWERED_BY, REFUSED, REPEAT, Study, claim, open_study, requeue, states, takes_part
from embedtune.sweep.ask import PATIENCE, Asking
from embedtune.sweep.space.constraints import parse_constraints
from embedtune.sweep.space.rules import Rules, worth_running
from embedtune.sweep.space.space import Space, build_space
from embedtune.sweep.space.starts import Known, enqueue
from embedtune.sweep.strategies.grid import GridSampler

SMALL = {"train.epochs": "choice(1, 2, 3)", "train.batch_size": "range(8, 16, 8)"}
WIDE = {"train.x": "interval(0.0, 1.0)", "train.y": "choice(a, b)"}
Score = Callable[[Mapping[str, Any]], float | None]
"""None prunes the trial."""


def rules_of(space: Space, *constraints: str, repeats: bool = False) -> Rules:
    kept = parse_constraints(constraints, space, {}.__getitem__, [64])
    return Rules(space, kept, worth_running(space, kept), repeats)


def study_at(folder: Path, sampler: optuna.samplers.BaseSampler) -> Study:
    return open_study(StudyPaths(folder / "s"), None, sampler, NopPruner())


def work(asking: Asking, score: Score = lambda point: 1.0) -> list[dict[str, Any]]:
    """What a worker does; the configurations it ran."""
    ran = []
    while (trial := asking.claim("host:1:1")) is not None:
        point = asking.accept(trial)
        if point is None:
            continue
        ran.append(point)
        value = score(point)
        if value is None:
            trial.report(0.1, 1)
            asking.study.optuna.tell(trial.number, state=TrialState.PRUNED)
        else:
            asking.study.optuna.tell(trial.number, value)
    return ran


def with_attribute(study: Study, name: str) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in study.optuna.get_trials() if name in trial.user_attrs]


def test_grid_runs_every_point_once_in_order(tmp_path: Path) -> None:
    rules = rules_of(build_space((), SMALL, (64,)))
    study = study_at(tmp_path, GridSampler())
    ran = work(Asking(study, rules, rules.total(None)))
    assert [tuple(point.values()) for point in ran] == [(1, 8), (1, 16), (2, 8), (2, 16), (3, 8), (3, 16)]
    assert [trial.number for trial in study.optuna.get_trials()] == list(range(6))
    assert work(Asking(study, rules, rules.total(None))) == []


def test_grid_goes_on_where_it_stopped(tmp_path: Path) -> None:
    rules = rules_of(build_space((), SMALL, (64,)))
    known = [Known({"train.epochs": 3, "train.batch_size": 16}, "known")]
    enqueue(study_at(tmp_path, GridSampler()), rules.space, known, 6)
    first = work(Asking(study_at(tmp_path, GridSampler()), rules, 2))
    second = work(Asking(study_at(tmp_path, GridSampler()), rules, rules.total(99)))
    assert [tuple(point.values()) for point in [*first, *second]] == [
        (3, 16), (1, 8), (1, 16), (2, 8), (2, 16), (3, 8),
    ]  # fmt: skip


def test_grid_over_several_workers_runs_no_point_twice(tmp_path: Path) -> None:
    rules = rules_of(build_space((), {**SMALL, "train.seed": "range(1, 5)"}, (64,)), "train.epochs * train.seed <= 12")
    ran: list[dict[str, Any]] = []

    def worker() -> None:
        ran.extend(work(Asking(study_at(tmp_path, GridSampler()), rules, rules.total(None))))

    study_at(tmp_path, GridSampler())
    threads = [threading.Thread(target=worker) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ran) == len({rules.space.identity(point) for point in ran}) == len(rules.points or ()) == 28


def test_grid_keeps_a_point_that_was_interrupted(tmp_path: Path) -> None:
    rules = rules_of(build_space((), SMALL, (64,)))
    study = study_at(tmp_path, GridSampler())
    asking = Asking(study, rules, rules.total(None))
    trial = asking.claim("host:1:1")
    assert trial is not None
    lost = asking.accept(trial)
    requeue(study, trial.number)
    ran = work(asking)
    assert ran[0] == lost
    assert len(ran) == len({rules.space.identity(point) for point in ran}) == 6


def test_small_space_is_searched_without_spending_the_budget_twice(tmp_path: Path) -> None:
    rules = rules_of(build_space((), SMALL, (64,)))
    study = study_at(tmp_path, optuna.samplers.RandomSampler(0))
    scores = {1: 0.5, 2: 0.7, 3: None}
    ran = work(Asking(study, rules, rules.total(20), Random(0)), lambda point: scores[point["train.epochs"]])
    assert len(ran) == len({rules.space.identity(point) for point in ran}) == 6
    assert states(study)["complete"] == 4
    assert states(study)["pruned"] == 2
    answered = with_attribute(study, ANSWERED_BY)
    assert answered
    trials = study.optuna.get_trials()
    for trial in answered:
        twin = trials[trial.user_attrs[ANSWERED_BY]]
        assert (trial.params, trial.state, trial.values) == (twin.params, twin.state, twin.values)
        assert trial.intermediate_values == twin.intermediate_values
        assert not takes_part(trial)


def test_sampler_that_repeats_itself_is_helped_out(tmp_path: Path) -> None:
    class Stubborn(optuna.samplers.RandomSampler):
        def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
            return 0.5 if name == "train.x" else "a"

    rules = rules_of(build_space((), WIDE, (64,)))
    study = study_at(tmp_path, Stubborn())
    ran = work(Asking(study, rules, 3, Random(0)))
    assert len({rules.space.identity(point) for point in ran}) == 3
    assert len(with_attribute(study, ANSWERED_BY)) == 2 * PATIENCE


def test_two_workers_never_run_one_configuration(tmp_path: Path) -> None:
    rules = rules_of(build_space((), SMALL, (64,)))
    first, second = (Asking(study_at(tmp_path, optuna.samplers.RandomSampler(7)), rules, 6) for _ in range(2))
    point = {"train.epochs": 1, "train.batch_size": 8}
    claimed = []
    for asking in (first, second):
        asking.study.optuna.enqueue_trial(point)
        claimed.append(asking.claim("host:1:1"))
    one, other = claimed
    assert one is not None
    assert other is not None
    assert first.accept(one) == point
    assert second.accept(other) is None
    told = second.study.optuna.get_trials()[other.number]
    assert (told.state, told.user_attrs[ANSWERED_BY]) == (TrialState.FAIL, one.number)


def test_failed_configuration_is_answered_too(tmp_path: Path) -> None:
    rules = rules_of(build_space((), SMALL, (64,)))
    asking = Asking(study_at(tmp_path, optuna.samplers.RandomSampler(0)), rules, 6)
    for expected in (True, False):
        asking.study.optuna.enqueue_trial({"train.epochs": 1, "train.batch_size": 8})
        trial = asking.claim("host:1:1")
        assert trial is not None
        assert (asking.accept(trial) is not None) is expected
        if expected:
            asking.study.optuna.tell(trial.number, state=TrialState.FAIL)


def test_repeats_run_again_and_are_counted(tmp_path: Path) -> None:
    rules = rules_of(build_space((), SMALL, (64,)), repeats=True)
    study = study_at(tmp_path, GridSampler())
    ran = work(Asking(study, rules, rules.total(15)))
    assert set(Counter(rules.space.identity(point) for point in ran).values()) == {2, 3}
    assert Counter(trial.user_attrs[REPEAT] for trial in study.optuna.get_trials()) == {0: 6, 1: 6, 2: 3}


def test_repeat_that_was_interrupted_keeps_its_place(tmp_path: Path) -> None:
    rules = rules_of(build_space((), {"train.epochs": "choice(1)"}, (64,)), repeats=True)
    study = study_at(tmp_path, GridSampler())
    work(Asking(study, rules, 1))
    asking = Asking(study, rules, 2)
    trial = asking.claim("host:1:1")
    assert trial is not None
    asking.accept(trial)
    requeue(study, trial.number)
    again = asking.claim("host:1:1")
    assert again is not None
    assert asking.accept(again) == {"train.epochs": 1}
    assert again.user_attrs[REPEAT] == 1


def test_configuration_that_breaks_a_constraint_is_not_run(tmp_path: Path) -> None:
    rules = rules_of(build_space((), WIDE, (64,)), "train.x <= 0.02")
    study = study_at(tmp_path, optuna.samplers.RandomSampler(0))
    ran = work(Asking(study, rules, 5, Random(0)))
    assert len(ran) == 5
    assert all(point["train.x"] <= 0.02 for point in ran)
    refused = with_attribute(study, REFUSED)
    assert refused
    assert all(trial.state == TrialState.PRUNED and trial.constraints["train.x <= 0.02"] > 0 for trial in refused)
    assert states(study)["pruned"] == 0


def test_sampler_learns_what_is_refused(tmp_path: Path) -> None:
    rules = rules_of(build_space((), {"train.x": "interval(0.0, 1.0)"}, (64,)), "train.x <= 0.3")
    study = study_at(tmp_path, optuna.samplers.TPESampler(multivariate=True, seed=0, n_startup_trials=5))
    work(Asking(study, rules, 30, Random(0)), lambda point: float(point["train.x"]))
    late = [trial for trial in study.optuna.get_trials() if trial.number >= 20]
    assert sum(REFUSED in trial.user_attrs for trial in late) < 0.6 * len(late)  # at random, 0.7


def test_space_that_is_used_up_is_said(tmp_path: Path) -> None:
    rules = rules_of(build_space((), SMALL, (64,)))
    with pytest.raises(SpaceUsedUp, match=r"study\.n_trials=7 must be within the space of study s, but after 6 trials"):
        work(Asking(study_at(tmp_path, GridSampler()), rules, 7))


def test_enqueue_again_changes_nothing(tmp_path: Path) -> None:
    space = build_space((), WIDE, (64,))
    known = [Known({"train.x": 0.5}, "part"), Known({"train.x": 0.5, "train.y": "a"}, "whole")]
    study = study_at(tmp_path, optuna.samplers.RandomSampler(0))
    enqueue(study, space, known, 2)
    work(Asking(study, rules_of(space), 2))
    enqueue(study, space, known, 2)
    trials = study.optuna.get_trials()
    assert [trial.user_attrs["origin"] for trial in trials] == ["part", "whole"]
    assert all(trial.params["train.x"] == 0.5 for trial in trials)


def test_enqueue_leaves_room_for_what_is_queued_again(tmp_path: Path) -> None:
    space = build_space((), WIDE, (64,))
    known = [Known({"train.x": value}, "given") for value in (0.1, 0.2, 0.3, 0.4)]
    study = study_at(tmp_path, optuna.samplers.RandomSampler(0))
    enqueue(study, space, known, 2)
    interrupted = claim(study, 2, "worker")
    assert interrupted is not None
    interrupted.set_user_attr(REPEAT, 0)
    space.suggest(interrupted)
    requeue(study, interrupted.number)
    ran = work(Asking(study, rules_of(space), 2))
    assert [point["train.x"] for point in ran] == [0.2, 0.1]
    enqueue(study, space, known, 4)
    assert [point["train.x"] for point in work(Asking(study, rules_of(space), 4))] == [0.3, 0.4]
