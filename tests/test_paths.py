"""Paths, and files that are whole or absent."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.archive.documents import read_lines
from embedtune.paths import (
    StudyPaths,
    TrialPaths,
    Workspace,
    append_json_line,
    write_atomic,
    write_json,
)

plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(1 - (1 << 63), (1 << 63) - 1) | st.floats(allow_nan=False) | plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3),
    max_leaves=6,
)
lines = st.lists(st.dictionaries(plain, values, max_size=3), max_size=4)


def read(path: Path) -> list[Any]:
    return list(read_lines(path, lambda found: found))


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_of_a_trial_have_names_of_their_own(tmp_path: Path) -> None:
    trial = TrialPaths(tmp_path / "trials" / "0000")
    paths = [getattr(trial, name) for name, value in vars(TrialPaths).items() if isinstance(value, property)]
    assert len(set(paths)) == len(paths) > 8
    assert {path.parent for path in paths} == {trial.root, tmp_path}
    assert [path for path in paths if path.parent == tmp_path] == [trial.prepared], "shared by the trials of a study"


def test_study_numbers_its_trials_in_four_digits() -> None:
    study = StudyPaths(Path("sweeps/mine"))
    assert study.name == "mine"
    assert study.trial(7).result == Path("sweeps/mine/trials/0007/result.json")
    assert study.checkpoint(12) == Path("sweeps/mine/checkpoints/0012")


def test_trial_minus_one_is_the_baseline() -> None:
    study = StudyPaths(Path("sweeps/mine"))
    assert study.trial(-1) == study.baseline == TrialPaths(Path("sweeps/mine/baseline"))


def test_trials_come_in_order_of_number_and_without_strangers(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path)
    for number in (10_000, 9_999, 12, 3):
        study.trial(number).root.mkdir(parents=True)
    (tmp_path / "trials" / ".tmp").mkdir()
    assert [trial.root.name for trial in study.trials()] == ["0003", "0012", "9999", "10000"]


def test_study_without_a_folder_has_no_trials(tmp_path: Path) -> None:
    assert list(StudyPaths(tmp_path / "gone").trials()) == []


def test_workspace_lists_folders_with_a_definition(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "sweeps", tmp_path / "mlruns", tmp_path / "releases")
    assert workspace.studies() == []
    for name in ("b", "a ü"):
        write_atomic(workspace.study(name).definition, "{}")
    (workspace.sweeps / "other").mkdir()
    assert [study.name for study in workspace.studies()] == ["a ü", "b"]


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_write_atomic_replaces_the_whole_file(
    tmp_path_factory: pytest.TempPathFactory, first: bytes, second: bytes
) -> None:
    path = tmp_path_factory.mktemp("atomic") / "new" / "file"
    for content in (first, second):
        write_atomic(path, content)
        assert path.read_bytes() == content
    assert files_in(path.parent) == ["file"]


def test_write_atomic_keeps_text_as_it_is(tmp_path: Path) -> None:
    write_atomic(tmp_path / "text", "é\u2028\r\n\n")
    assert (tmp_path / "text").read_bytes() == "é\u2028\r\n\n".encode()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_write_atomic_that_fails_leaves_the_old_file_and_no_half_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "result.json"
    write_atomic(path, "old")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert files_in(tmp_path) == ["result.json"]


def test_write_atomic_onto_a_folder_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_atomic(tmp_path / "taken", "text")
    assert files_in(tmp_path) == ["taken"]


def test_write_atomic_that_gets_half_way_leaves_nothing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_atomic(tmp_path / "result.json", "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert files_in(tmp_path) == []


def test_write_json_refuses_before_it_writes(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    write_json(path, {"name": "é", "n": 1})
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "é", "n": 1}
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_json(path, {"name": object()})
    assert json.loads(path.read_text(encoding="utf-8"))["n"] == 1
    assert files_in(tmp_path) == ["facts.json"]


@settings(max_examples=30, deadline=None)
@given(lines)
def test_json_lines_are_read_as_they_were_appended(
    tmp_path_factory: pytest.TempPathFactory, items: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("lines") / "metrics.jsonl"
    for item in items:
        append_json_line(path, item)
    assert read(path) == items


@settings(max_examples=40, deadline=None)
@given(st.lists(st.dictionaries(plain, values, min_size=1, max_size=3), min_size=1, max_size=3), st.data())
def test_json_line_torn_by_a_crash_is_lost_alone(
    tmp_path_factory: pytest.TempPathFactory, items: list[dict[str, Any]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("torn") / "metrics.jsonl"
    *whole, last = items
    for item in items:
        append_json_line(path, item)
    written = path.read_bytes()
    length = len(json.dumps(last, ensure_ascii=False).encode()) + 1
    cut = data.draw(st.integers(2, length))  # at least the newline and the closing brace are missing
    path.write_bytes(written[: len(written) - cut])
    assert read(path) == whole
    append_json_line(path, {"after": "the crash"})
    assert read(path) == [*whole, {"after": "the crash"}]


def test_json_line_that_lacks_only_its_newline_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}', encoding="utf-8")
    append_json_line(path, {"step": 2})
    assert read(path) == [{"step": 1}, {"step": 2}]


def test_json_line_with_a_torn_letter_does_not_hide_the_others(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    append_json_line(path, {"step": 1, "text": "line\u2028break"})
    with path.open("ab") as file:
        file.write('{"text": "é'.encode()[:-1] + b"\n")
    append_json_line(path, {"step": 2})
    assert [line["step"] for line in read(path)] == [1, 2]


def test_json_lines_of_a_missing_file_are_none(tmp_path: Path) -> None:
    assert read(tmp_path / "gone.jsonl") == []
