from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from embedtune import archive
from embedtune.paths import StudyPaths
from embedtune.ranking import rank
from embedtune.records import State, TrialRecord
from embedtune.study.checkpoints import contenders, keep_best, keepers


def add_trial(study: StudyPaths, number: int, value: float | None, state: State = State.COMPLETE) -> None:
    trial = study.trial(number)
    trial.checkpoint.mkdir(parents=True)
    (trial.checkpoint / "model.safetensors").write_text(str(number))
    record = TrialRecord(study.name, number, state, value=value)
    archive.write_header(trial, record, {})
    if state != State.RUNNING:
        archive.write_result(trial, record)


def kept(study: StudyPaths) -> list[int]:
    return sorted(int(path.name) for path in study.checkpoints.iterdir())


def test_keep_best_moves_winners_and_deletes_losers(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    for number, value in enumerate([0.5, 0.9, 0.7]):
        add_trial(study, number, value)
    keep_best(study, 2, archive.read_records(study))
    assert kept(study) == [1, 2]
    assert (study.checkpoint(1) / "model.safetensors").read_text() == "1"
    assert not any(trial.checkpoint.exists() for trial in study.trials())


def test_keep_best_drops_who_falls_out(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    add_trial(study, 0, 0.5)
    keep_best(study, 1, archive.read_records(study))
    add_trial(study, 1, 0.6)
    keep_best(study, 1, archive.read_records(study))
    assert kept(study) == [1]
    record = archive.read_record(study, 0)
    assert record is not None
    assert record.checkpoint is None


def test_keep_best_tie_keeps_the_earlier(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    add_trial(study, 0, 0.5)
    add_trial(study, 1, 0.5)
    keep_best(study, 1, archive.read_records(study))
    assert kept(study) == [0]


def test_keep_best_leaves_running_and_drops_failed_and_replaced(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    add_trial(study, 0, 0.9, State.FAIL)
    add_trial(study, 1, None, State.RUNNING)
    add_trial(study, 2, 0.8)
    add_trial(study, 3, 0.1)
    keep_best(study, 3, archive.read_records(study), replaced=[2])
    assert kept(study) == [3]
    assert study.trial(1).checkpoint.is_dir()


def test_keep_best_twice_changes_nothing(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    add_trial(study, 0, 0.5)
    keep_best(study, 3, archive.read_records(study))
    keep_best(study, 3, archive.read_records(study))
    assert kept(study) == [0]


def test_contenders_are_the_trial_that_ended_and_those_that_keep_weights(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    for number, value in enumerate([0.5, 0.9, 0.7, 0.1, 0.8]):
        add_trial(study, number, value)
        keep_best(study, 2, contenders(study, [number]))
    assert kept(study) == [1, 4]
    assert not any(trial.checkpoint.exists() for trial in study.trials())
    assert [record.number for record in contenders(study, [3])] == [1, 3, 4]
    assert [record.number for record in contenders(study, [9])] == [1, 4]


def test_the_front_keeps_its_weights_first_and_stays_spread(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    # The front is 0, 2, 3 and 4, of which 2 and 3 are neighbours of 0; 1 has the second best value.
    for number, (value, second) in enumerate([(0.9, 0.1), (0.89, 0.05), (0.88, 0.12), (0.6, 0.5), (0.3, 0.8)]):
        add_trial(study, number, value)
        record = archive.read_record(study, number)
        assert record is not None
        archive.write_result(study.trial(number), replace(record, second=second, facts={"second": 32}))
    records = list(archive.read_records(study))
    assert [record.number for record in rank(records)] == [0, 2, 3, 4, 1]
    assert [record.number for record in keepers(records)] == [0, 4, 3, 2, 1]
    keep_best(study, 3, archive.read_records(study))
    assert kept(study) == [0, 3, 4]
