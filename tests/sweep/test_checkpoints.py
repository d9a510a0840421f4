from __future__ import annotations

from pathlib import Path

from embedtune import archive
from embedtune.paths import StudyPaths
from embedtune.records import State, TrialRecord
from embedtune.sweep.checkpoints import keep_best, rank


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
    keep_best(study, 2)
    assert kept(study) == [1, 2]
    assert (study.checkpoint(1) / "model.safetensors").read_text() == "1"
    assert not any(trial.checkpoint.exists() for trial in study.trials())


def test_keep_best_drops_who_falls_out(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    add_trial(study, 0, 0.5)
    keep_best(study, 1)
    add_trial(study, 1, 0.6)
    keep_best(study, 1)
    assert kept(study) == [1]
    record = archive.read_record(study, 0)
    assert record is not None
    assert record.checkpoint is None


def test_keep_best_tie_keeps_the_earlier(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    add_trial(study, 0, 0.5)
    add_trial(study, 1, 0.5)
    keep_best(study, 1)
    assert kept(study) == [0]


def test_keep_best_leaves_running_and_drops_failed_and_replaced(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    add_trial(study, 0, 0.9, State.FAIL)
    add_trial(study, 1, None, State.RUNNING)
    add_trial(study, 2, 0.8)
    add_trial(study, 3, 0.1)
    keep_best(study, 3, replaced=[2])
    assert kept(study) == [3]
    assert study.trial(1).checkpoint.is_dir()


def test_keep_best_twice_changes_nothing(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    add_trial(study, 0, 0.5)
    keep_best(study, 3)
    keep_best(study, 3)
    assert kept(study) == [0]


def test_rank_pruned_trials_take_part() -> None:
    records = [
        TrialRecord("s", 0, State.COMPLETE, value=0.5),
        TrialRecord("s", 1, State.PRUNED, value=0.6),
        TrialRecord("s", 2, State.FAIL, value=0.9),
        TrialRecord("s", 3, State.COMPLETE, value=None),
    ]
    assert [record.number for record in rank(records)] == [1, 0]
