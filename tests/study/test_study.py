from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from optuna.trial import TrialState

from embedtune.errors import StudyError
from embedtune.machine.processes import worker_alive, worker_identity
from embedtune.paths import StudyPaths
from embedtune.records import State
from embedtune.study import (
    RETRY_OF,
    Study,
    awaited,
    claim,
    load_study,
    open_study,
    reconcile,
    replaced,
    requeue,
    states,
)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return open_study(StudyPaths(tmp_path / "s"))


def run_to_the_end(root: Path, n_trials: int) -> None:
    study = open_study(StudyPaths(root))
    while (trial := claim(study, n_trials, worker_identity())) is not None:
        trial.suggest_float("x", 0, 1)
        study.optuna.tell(trial.number, 1.0)


def test_claim_stops_at_the_total(study: Study) -> None:
    run_to_the_end(study.paths.root, 3)
    assert states(study)[State.COMPLETE] == 3
    run_to_the_end(study.paths.root, 5)
    assert states(study)[State.COMPLETE] == 5
    run_to_the_end(study.paths.root, 2)
    assert states(study)[State.COMPLETE] == 5


def test_claim_by_several_processes_is_exact(study: Study) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=run_to_the_end, args=(study.paths.root, 20)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert states(study)[State.COMPLETE] == 20


def test_claim_failed_trials_use_up_the_budget(study: Study) -> None:
    trial = claim(study, 1, worker_identity())
    assert trial is not None
    study.optuna.tell(trial.number, state=TrialState.FAIL)
    assert claim(study, 1, worker_identity()) is None


def test_requeue_keeps_the_configuration_and_the_budget(study: Study) -> None:
    trial = claim(study, 1, worker_identity())
    assert trial is not None
    x = trial.suggest_float("x", 0, 1)
    requeue(study, trial.number)
    assert replaced(study) == {trial.number}
    assert states(study) == {s: int(s == State.WAITING) for s in State}
    again = claim(study, 1, worker_identity())
    assert again is not None
    assert again.suggest_float("x", 0, 1) == x
    assert again.user_attrs[RETRY_OF] == trial.number
    assert claim(study, 1, worker_identity()) is None


def test_reconcile_requeues_what_a_dead_worker_left(study: Study) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    host = worker_identity().partition(":")[0]
    dead = claim(study, 3, f"{host}:{child.pid}:1")
    alive = claim(study, 3, worker_identity())
    elsewhere = claim(study, 3, "another-host:1:1")
    assert dead is not None and alive is not None and elsewhere is not None  # noqa: PT018
    assert reconcile(study) == [dead.number]
    assert reconcile(study) == []
    assert states(study)[State.RUNNING] == 2
    assert states(study)[State.WAITING] == 1


def test_worker_alive_knows_a_reused_pid(study: Study) -> None:
    host, pid, start = worker_identity().split(":")
    assert worker_alive(f"{host}:{pid}:{start}")
    assert not worker_alive(f"{host}:{pid}:{start}9")
    assert not worker_alive(f"{host}:{2**22 + 1}:5")
    assert not worker_alive("")
    assert int(pid) == os.getpid()


def test_open_study_twice_is_the_same_study(study: Study) -> None:
    claim(study, 1, worker_identity())
    assert len(open_study(study.paths).optuna.trials) == 1


def test_load_study_leaves_the_journal_as_it_is(study: Study) -> None:
    claim(study, 1, worker_identity())
    before = study.paths.storage.read_bytes()
    loaded = load_study(study.paths)
    assert loaded is not None
    assert states(loaded)[State.RUNNING] == 1
    assert study.paths.storage.read_bytes() == before


def test_load_study_of_a_renamed_folder_is_none(study: Study) -> None:
    renamed = study.paths.root.rename(study.paths.root.with_name("other"))
    assert load_study(StudyPaths(renamed)) is None


def test_load_study_without_storage_is_none(tmp_path: Path) -> None:
    assert load_study(StudyPaths(tmp_path / "none")) is None
    assert not (tmp_path / "none").exists()


def test_open_study_unreachable_storage_hides_the_password(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"study\.storage must be reachable") as caught:
        open_study(StudyPaths(tmp_path / "s"), "sqlite:////nowhere/at/all.db?user:secret@x")
    assert "secret" not in str(caught.value)


def test_without_a_database_nobody_waits_for_the_trials_of_another_host(study: Study) -> None:
    claim(study, 2, "container-that-is-gone:1:1")
    here = claim(study, 2, f"{socket.gethostname()}:1:1")
    assert here is not None
    assert [trial.number for trial in awaited(study)] == [here.number]


def test_nobody_waits_for_a_trial_that_a_damaged_journal_says_it_runs_itself(study: Study) -> None:
    assert claim(study, 1, worker_identity()) is not None
    assert awaited(study) == []
