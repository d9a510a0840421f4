"""A study is brought in order after the death of a process at whatever moment; Optuna and files are real."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from embedtune import archive
from embedtune.machine.processes import worker_identity
from embedtune.paths import StudyPaths, write_json
from embedtune.records import Interruption, State, TrialRecord
from embedtune.study import RETRY_OF, Study, claim, open_study, predecessors, requeue, states
from embedtune.study.outcome import is_final
from embedtune.sweep.delivery import Delivery
from embedtune.sweep.workers.requeue import mend

DEAD = f"{worker_identity().partition(':')[0]}:{2**22 + 1}:1"
"""A worker of this host that is gone."""


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return open_study(StudyPaths(tmp_path / "s"))


def mended(study: Study, attempts: int = 3) -> Delivery:
    delivery = Delivery(study.paths, None)
    mend(study, delivery, 3, attempts)
    return delivery


def begun(study: Study, worker: str = DEAD, n_trials: int = 5) -> optuna.Trial:
    """A trial that was claimed and has its parameters and a folder."""
    trial = claim(study, n_trials, worker)
    assert trial is not None
    trial.suggest_float("x", 0, 1)
    record = TrialRecord("s", trial.number, State.RUNNING, params=dict(trial.params), facts={"worker": worker})
    archive.write_header(study.paths.trial(trial.number), record, {"train": {}})
    return trial


def end(study: Study, trial: optuna.Trial, state: State, value: float | None = 0.5, reason: str | None = None) -> None:
    """Close the folder, as a worker does before it tells Optuna."""
    paths = study.paths.trial(trial.number)
    record = archive.read_record(study.paths, trial.number)
    assert record is not None
    archive.write_result(paths, replace(record, state=state, value=value, reason=reason))


def optuna_states(study: Study) -> list[str]:
    return [trial.state.name for trial in study.optuna.get_trials(deepcopy=False)]


def test_weights_on_a_front_that_were_kept_stay(study: Study) -> None:
    """A better trial whose weights are gone takes nobody's place."""
    for number, (value, second) in enumerate([(0.9, 0.1), (0.8, 0.2), (0.7, 0.3), (0.6, 0.4), (0.5, 0.5)]):
        paths = study.paths.trial(number)
        record = TrialRecord("s", number, State.COMPLETE, value=value, second=second, facts={"second": 32})
        archive.write_header(paths, record, {})
        archive.write_result(paths, record)
        if number in (1, 2, 3):
            study.paths.checkpoint(number).mkdir(parents=True)
    mended(study)
    assert study.paths.kept() == [1, 2, 3]


def test_a_trial_that_is_given_up_is_returned(study: Study) -> None:
    for _ in range(2):
        begun(study)
        assert mend(study, Delivery(study.paths, None), 3, 3) == []
    number = begun(study).number
    (record,) = mend(study, Delivery(study.paths, None), 3, 3)
    assert (record.number, record.state, record.reason) == (number, State.FAIL, "its worker died (3 times in a row)")


@pytest.mark.parametrize("state", [State.COMPLETE, State.PRUNED, State.FAIL])
def test_a_trial_that_ended_in_the_last_moment_is_told_not_run_again(study: Study, state: State) -> None:
    trial = begun(study)
    end(study, trial, state, reason=None if state == State.COMPLETE else "said why")
    (study.paths.trial(0).resume / "00000003").mkdir(parents=True)
    assert mended(study).waiting == [study.paths.trial(0)]
    assert optuna_states(study) == [state.name]
    assert not study.paths.trial(0).resume.exists()
    if state == State.COMPLETE:
        assert study.optuna.best_value == 0.5


def test_a_dead_trial_is_closed_and_queued_once(study: Study) -> None:
    trial = begun(study)
    paths = study.paths.trial(0)
    for name in ("checkpoint.new", "trainer-abc", "resume/00000003"):
        (paths.root / name).mkdir(parents=True)
    (paths.root / ".metrics.jsonl.77").write_text("torn")
    delivery = mended(study)
    record = archive.read_record(study.paths, 0)
    assert record is not None
    assert (record.state, record.reason) == (State.FAIL, "interrupted: its worker died")
    assert record.interrupted is Interruption.DIED
    assert not is_final(record)
    assert sorted(path.name for path in paths.root.iterdir()) == ["config.yaml", "result.json", "resume", "trial.json"]
    assert delivery.waiting == [paths]
    assert optuna_states(study) == ["FAIL", "WAITING"]
    mended(study)
    assert optuna_states(study) == ["FAIL", "WAITING"]
    again = claim(study, 1, worker_identity())
    assert again is not None
    assert again.suggest_float("x", 0, 1) == trial.params["x"]
    assert predecessors(study, again) == [0]


def test_a_trial_that_is_given_up_leaves_nothing_behind(study: Study) -> None:
    begun(study)
    for name in ("checkpoint.new", "trainer-abc", "resume/00000003"):
        (study.paths.trial(0).root / name).mkdir(parents=True)
    mended(study, attempts=1)
    assert optuna_states(study) == ["FAIL"]
    assert {path.name for path in study.paths.trial(0).root.iterdir()} == {"config.yaml", "result.json", "trial.json"}


def test_the_living_are_left_alone(study: Study) -> None:
    begun(study, worker_identity())
    (study.paths.trial(0).resume / "00000003").mkdir(parents=True)
    assert mended(study).waiting == []
    assert optuna_states(study) == ["RUNNING"]
    assert study.paths.trial(0).resume.is_dir()


def test_a_record_left_running_is_closed_though_optuna_was_told(study: Study) -> None:
    trial = begun(study)
    requeue(study, trial.number)  # the process that did so died before it wrote the record
    mended(study)
    record = archive.read_record(study.paths, 0)
    assert record is not None
    assert record.state == State.FAIL
    assert optuna_states(study) == ["FAIL", "WAITING"]


@pytest.mark.parametrize("done", [1, 2])
def test_requeueing_is_finished_by_the_next_process(study: Study, done: int, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(study)
    calls: list[str] = []

    def dying(name: str, call: Any) -> Any:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if len(calls) == done:
                raise KeyboardInterrupt
            calls.append(name)
            return call(*args, **kwargs)

        return wrapped

    storage = study.storage
    with monkeypatch.context() as patch:
        patch.setattr(study.optuna, "enqueue_trial", dying("enqueue", study.optuna.enqueue_trial))
        patch.setattr(storage, "set_trial_user_attr", dying("replaced", storage.set_trial_user_attr))
        patch.setattr(study.optuna, "tell", dying("tell", study.optuna.tell))
        with pytest.raises(KeyboardInterrupt):
            mended(study)
    mended(study)
    assert optuna_states(study) == ["FAIL", "WAITING"]
    assert states(study) == {state: int(state == State.WAITING) for state in State}


def test_one_that_died_before_it_had_parameters_keeps_those_it_was_queued_with(study: Study) -> None:
    study.optuna.enqueue_trial({"x": 0.25}, user_attrs={"origin": "default recipe"})
    assert claim(study, 1, DEAD) is not None
    mended(study)
    assert claim(study, 1, DEAD) is not None
    mended(study)
    last = claim(study, 1, worker_identity())
    assert last is not None
    assert last.suggest_float("x", 0, 1) == 0.25
    assert last.user_attrs["origin"] == "default recipe"
    assert predecessors(study, last) == [1, 0]
    assert [trial.user_attrs.get(RETRY_OF) for trial in study.optuna.trials] == [None, 0, 1]


def test_what_was_delivered_is_not_delivered_again(study: Study) -> None:
    trial = begun(study)
    end(study, trial, State.COMPLETE)
    study.optuna.tell(trial.number, 0.5, state=TrialState.COMPLETE)
    write_json(study.paths.trial(0).tracking, {"run_id": "r", "evaluations": 0, "complete": True})
    assert mended(study).waiting == []


def test_a_worker_that_died_before_it_sorted_out_the_weights_is_helped(study: Study) -> None:
    trial = begun(study)
    end(study, trial, State.COMPLETE)
    study.paths.trial(0).checkpoint.mkdir()
    mended(study)
    assert study.paths.checkpoint(0).is_dir()
