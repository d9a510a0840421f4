"""Workers of a launcher, with a stand-in for it: the study tells what they did, whatever the launcher raises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from embedtune.errors import DiskFull, SpaceUsedUp, StudyError
from embedtune.machine.processes import worker_identity
from embedtune.paths import StudyPaths
from embedtune.reporting.live import View
from embedtune.study import Study, claim, left, open_study
from embedtune.sweep.ask import Asking
from embedtune.sweep.space.constraints import parse_constraints
from embedtune.sweep.space.rules import Rules
from embedtune.sweep.space.space import build_space
from embedtune.sweep.workers.follow import Follower
from embedtune.sweep.workers.hosts import Launched

TOTAL = 3


class Wrapped(Exception):
    """What a launcher makes of the error of its job."""


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return open_study(StudyPaths(tmp_path / "s"), None, optuna.samplers.RandomSampler(0))


def launched(study: Study, launch: Callable[[int], None]) -> Launched:
    follower = Follower(study, View())
    return Launched(launch, 2, study, follower, lambda: left(study, TOTAL), lambda: None, lambda: None)


def run_one(study: Study) -> None:
    trial = claim(study, TOTAL, worker_identity())
    assert trial is not None
    study.optuna.tell(trial.number, 1.0)


def test_workers_are_launched_until_the_total_is_reached(study: Study) -> None:
    counts: list[int] = []

    def launch(count: int) -> None:
        counts.append(count)
        run_one(study)

    launched(study, launch).run()
    assert counts == [2, 2, 1]


def test_a_round_that_runs_what_waits_bears_fruit(study: Study) -> None:
    for value in (0.1, 0.2, 0.3):
        study.optuna.enqueue_trial({"x": value})
    launched(study, lambda _: run_one(study)).run()
    assert left(study, TOTAL) == 0


def test_launches_without_a_trial_end_the_study(study: Study) -> None:
    with pytest.raises(StudyError, match="3 launches ended before any trial began"):
        launched(study, lambda _: None).run()


def test_used_up_space_ends_the_study(study: Study) -> None:
    """Refused proposals are trials for Optuna, but not one that was begun."""
    space = build_space((), {"train.x": "interval(0.0, 1.0)"}, (64,))
    rules = Rules(space, parse_constraints(["train.x <= -1"], space, {}.__getitem__, [64]))
    launches: list[int] = []

    def launch(count: int) -> None:
        launches.append(count)
        asking = Asking(study, rules, TOTAL)
        try:
            while (trial := asking.claim(worker_identity())) is not None:
                assert asking.accept(trial) is None
        except SpaceUsedUp as error:
            raise Wrapped(f"{type(error).__name__}: {error}") from None

    with pytest.raises(SpaceUsedUp, match=r"study\.n_trials=3 must be within the space"):
        launched(study, launch).run()
    assert launches == [2]


def test_used_up_space_does_not_hide_a_trial_that_waits(study: Study) -> None:
    rounds: list[int] = []

    def launch(_: int) -> None:
        rounds.append(1)
        if len(rounds) == 1:
            study.optuna.enqueue_trial({"x": 0.1})
            raise Wrapped("SpaceUsedUp: nothing new")
        while left(study, TOTAL):
            run_one(study)

    launched(study, launch).run()
    assert rounds == [1, 1]


def test_full_disk_ends_the_study(study: Study) -> None:
    def launch(_: int) -> None:
        run_one(study)
        raise Wrapped("DiskFull: ... but OSError: [Errno 28] No space left on device: 'x'. Free some")

    with pytest.raises(DiskFull, match="No space left on device"):
        launched(study, launch).run()
    assert left(study, TOTAL) == TOTAL - 1
