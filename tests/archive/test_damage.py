"""Damaged records: whatever is in one file hides no other, is named, and stays."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune import archive, load_study
from embedtune.archive.documents import read_json, read_yaml
from embedtune.config import Config, plain
from embedtune.errors import RecordError
from embedtune.paths import StudyPaths, Workspace
from embedtune.records import DataSource, Delivered, Evaluation, Objective, Search, State, StudyDefinition, TrialRecord
from embedtune.study.definition import readable_definitions, save_definition

METRICS = {"64": {"cosine_map@100": 0.5}, "32": {"cosine_map@100": 0.4}}
FILES = ("result.json", "trial.json", "tracking.json", "metrics.jsonl", "training.json", "config.yaml")


def make_study(root: Path) -> StudyPaths:
    study = StudyPaths(root)
    data = DataSource("d", "x", {"train": "abc"})
    save_definition(study, StudyDefinition("s", "single", Objective("cosine_map@100", 64), 3, Search(), data,
                                           {"name": "tiny"}, {"eval": {"folds": 0}}))  # fmt: skip
    for number in range(3):
        trial = study.trial(number)
        record = TrialRecord("s", number, State.RUNNING, {"train.epochs": 1.0}, facts={"digests": {"train": "abc"}})
        archive.write_header(trial, record, plain(Config()))
        archive.append_evaluation(trial, Evaluation(1, 1.0, 0.5, METRICS, 1.0, 1_700_000_000_000))
        archive.write_result(trial, TrialRecord("s", number, State.COMPLETE, value=0.5, metrics=METRICS, best_step=1))
        archive.write_delivered(trial, Delivered("abc", None, 1, True))
    return study


@pytest.fixture
def study(tmp_path: Path) -> StudyPaths:
    return make_study(tmp_path / "s")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> StudyPaths:
    return make_study(tmp_path_factory.mktemp("sweeps") / "s")


def identity(path: Path) -> tuple[int, int, int, int]:
    found = path.lstat()
    return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def holds(content: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(content)

    return damage


LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
DAMAGE: dict[str, Callable[[Path], None]] = {
    "empty": holds(b""), "torn": holds(b'{"study": "s", "nu'), "noise": holds(bytes(range(256))), "list": holds(b"[]"),
    "text": holds(b'"x"'), "null": holds(b"null"), "number": holds(b"1"), "keys": holds(b"{}"),
    "digits": holds(b'{"number": ' + b"9" * 5_000 + b"}"), "deep": holds(b'{"a":' * 100_000),
    "brackets": holds(b"[" * 500), "laughs": holds(LAUGHS.encode()), "folder": a_folder, "pipe": a_pipe,
    "link": a_link, "large": large,
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_result_hides_no_other_trial_and_stays(
    study: StudyPaths, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = study.trial(1).result
    DAMAGE[kind](file)
    before = identity(file)
    with caplog.at_level(logging.WARNING):
        found = load_study("s", study.root.parent)
    assert [record.number for record in found.trials] == [0, 2]
    assert str(file) in caplog.text
    assert identity(file) == before


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_definition_hides_no_other_study(
    study: StudyPaths, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    make_study(study.root.with_name("other"))
    DAMAGE[kind](study.definition)
    workspace = Workspace(study.root.parent, study.root.parent / "m", study.root.parent / "r")
    with caplog.at_level(logging.WARNING):
        assert [own.name for own, _ in readable_definitions(workspace)] == ["other"]
    assert str(study.definition) in caplog.text
    with pytest.raises(RecordError, match="must be a record that can be read") as caught:
        load_study("s", study.root.parent)
    assert str(study.definition) in str(caught.value)


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("name", FILES)
def test_every_file_may_be_damaged(study: StudyPaths, name: str, kind: str) -> None:
    trial = study.trial(1)
    (trial.root / name).touch()
    DAMAGE[kind](trial.root / name)
    assert {0, 2} <= {record.number for record in archive.read_all(study)}
    assert len(archive.read_evaluations(trial)) == (name != "metrics.jsonl")
    assert (archive.read_config(trial) is None) == (name == "config.yaml" and kind != "keys")  # an old one lacks keys
    assert archive.read_facts(trial) is None
    assert archive.read_delivered(trial).complete == (name != "tracking.json") or kind == "keys"


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield from leaves(node[key], (*path, key))


ODD = st.sampled_from(
    [None, True, -1, 10**400, 2**62, 1.5, "", "x", [], [1], {}, {"a": 1}, float("nan"), float("inf"), "\ud800"]
)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(["result.json", "tracking.json", "metrics.jsonl", "config.yaml", "study.yaml"]),
       data=st.data())  # fmt: skip
def test_any_value_may_be_another(shared: StudyPaths, name: str, data: st.DataObject) -> None:
    file = shared.definition if name == "study.yaml" else shared.trial(1).root / name
    whole = file.read_bytes()
    values = yaml.safe_load(whole) if name.endswith("yaml") else json.loads(whole)
    places = list(leaves(values))[1:]
    *way, key = data.draw(st.sampled_from(places))
    node = values
    for part in way:
        node = node[part]
    node[key] = data.draw(ODD)
    text = yaml.safe_dump(values) if name.endswith("yaml") else json.dumps(values) + "\n"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        found = load_study("s", shared.root.parent)
    except RecordError:
        assert name == "study.yaml"
        return
    finally:
        file.write_bytes(whole)
    assert {0, 2} <= {record.number for record in found.trials}
    assert found.best is not None
    found.to_dataframe(baseline=True)
    found.evaluations(0)


def test_what_a_newer_version_adds_is_left_out(study: StudyPaths) -> None:
    for file in (study.trial(1).result, study.trial(1).tracking):
        file.write_text(json.dumps({**json.loads(file.read_text()), "new": [1]}), encoding="utf-8")
    assert [record.number for record in archive.read_records(study)] == [0, 1, 2]
    assert archive.read_delivered(study.trial(1)).complete


def test_a_folder_that_holds_another_trial_is_left_out(study: StudyPaths, caplog: pytest.LogCaptureFixture) -> None:
    study.trial(2).result.write_bytes(study.trial(1).result.read_bytes())
    with caplog.at_level(logging.WARNING):
        assert [record.number for record in archive.read_records(study)] == [0, 1]
    assert "must hold the trial of its name, but holds 0001" in caplog.text


@pytest.mark.parametrize("kind", ["torn", "folder", "pipe", "link"])
def test_what_is_damaged_is_put_aside_before_something_takes_its_place(study: StudyPaths, kind: str) -> None:
    trial = study.trial(1)
    DAMAGE[kind](trial.result)
    before = identity(trial.result)
    archive.write_header(trial, TrialRecord("s", 1, State.RUNNING), plain(Config()))
    archive.write_result(trial, TrialRecord("s", 1, State.FAIL, reason="x"))
    aside = trial.root / "result.json.damaged"
    assert identity(aside) == before
    record = archive.read_record(study, 1)
    assert record is not None
    assert record.state is State.FAIL


def test_a_permission_that_is_missing_is_a_reason(study: StudyPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(RecordError, match=r"result\.json must be a record that can be read, but Permission denied"):
        read_json(study.trial(1).result)


def test_no_content_is_told(tmp_path: Path) -> None:
    for name, read in (("x.json", read_json), ("x.yaml", read_yaml)):
        (tmp_path / name).write_text("secret: {hunter2: [", encoding="utf-8")
        with pytest.raises(RecordError) as caught:
            read(tmp_path / name)
        assert "hunter2" not in str(caught.value)
