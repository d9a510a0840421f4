"""Reading the folders of trials."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedtune import archive
from embedtune.paths import StudyPaths, write_json
from embedtune.records import State, TrialRecord


@pytest.fixture
def study(tmp_path: Path) -> StudyPaths:
    return StudyPaths(tmp_path / "s")


def write(study: StudyPaths, number: int, value: float | None) -> None:
    trial = study.trial(number)
    archive.write_header(trial, TrialRecord("s", number, State.RUNNING), {})
    if value is not None:
        archive.write_result(trial, TrialRecord("s", number, State.COMPLETE, value=value))


def test_a_record_is_read_as_it_is_now(study: StudyPaths) -> None:
    write(study, 0, None)
    seen = [archive.read_record(study, 0)]
    for value in (0.25, 0.75):  # the same size
        write(study, 0, value)
        seen.append(archive.read_record(study, 0))
    write_json(study.trial(0).tracking, {"run_id": "abc"})
    study.checkpoint(0).mkdir(parents=True)
    seen.append(archive.read_record(study, 0))
    study.checkpoint(0).rmdir()
    seen.append(archive.read_record(study, 0))
    assert [(r.state, r.value, r.run_id, r.checkpoint) for r in seen if r] == [
        (State.RUNNING, None, None, None),
        (State.COMPLETE, 0.25, None, None),
        (State.COMPLETE, 0.75, None, None),
        (State.COMPLETE, 0.75, "abc", str(study.checkpoint(0))),
        (State.COMPLETE, 0.75, "abc", None),
    ]


def test_a_record_that_did_not_change_is_parsed_once(study: StudyPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        write(study, number, 0.5)
    first = list(archive.read_records(study))
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: pytest.fail("read again"))
    assert list(archive.read_records(study)) == first


def test_a_folder_without_a_record_is_no_trial(study: StudyPaths) -> None:
    study.trial(0).root.mkdir(parents=True)
    write(study, 1, 0.5)
    assert archive.read_record(study, 0) is None
    assert [record.number for record in archive.read_records(study)] == [1]
