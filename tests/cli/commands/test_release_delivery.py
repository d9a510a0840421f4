"""A release that is broken off after its export is taken up again, and one that cannot end is not begun."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import embedtune.cli.commands.delivery
import embedtune.release.export.export
from embedtune.cli.main import main
from embedtune.errors import ReleaseError
from embedtune.tracking.client.models import Models
from embedtune.tracking.client.versions import Versions

SUBJECTS = ["harbour", "lantern", "orchard", "granite", "violin", "meadow", "compass", "kettle", "falcon", "ribbon"]
SWEEP = (
    "-m", "sweep=optuna", "data=files", "data.path=data", "model=tiny", "train.device=cpu", "train.precision=fp32",
    "train.epochs=1", "sampler=random", "pruner=none", "study.name=mine", "study.n_trials=1",
)  # fmt: skip
RELEASE = ("release", "study.name=mine", "release.gate=false", "format=json")

Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the study ``mine``, recorded in its store."""
    folder = tmp_path_factory.mktemp("studied")
    (folder / "data").mkdir()
    for split in ("training", "val", "test"):
        document = {
            "questions": {f"q{i}": f"{split} where is the {subject}" for i, subject in enumerate(SUBJECTS)},
            "relevant_contexts": {f"q{i}": [f"{split}{i}"] for i in range(len(SUBJECTS))},
            "corpus": {f"{split}{i}": f"The {subject} stands there." for i, subject in enumerate(SUBJECTS)},
        }
        (folder / "data" / f"{split}.jsonl").write_text(json.dumps(document), encoding="utf-8")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(SWEEP) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def run(studied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Run:
    """Types a command in a copy of the workspace: the status, the document, what was said."""
    monkeypatch.chdir(shutil.copytree(studied, tmp_path / "work"))

    def typed(*arguments: str) -> tuple[int, Any, str]:
        capfd.readouterr()
        status = main(arguments)
        out, err = capfd.readouterr()
        return status, json.loads(out) if out else None, err

    return typed


def openings() -> int:
    file = Path("sweeps/mine/test_openings.jsonl")
    return len(file.read_text(encoding="utf-8").splitlines()) if file.is_file() else 0


def registered() -> tuple[list[Any], list[Any], int]:
    """Versions, aliases and how many models of releases there are."""
    with closing(sqlite3.connect("mlruns/mlflow.db")) as database:
        versions = database.execute("SELECT name, version FROM model_versions").fetchall()
        aliases = database.execute("SELECT alias, version FROM registered_model_aliases ORDER BY alias").fetchall()
        models = "SELECT count(*) FROM logged_model_tags WHERE tag_key = 'embedtune.kind' AND tag_value = 'release'"
        return versions, aliases, database.execute(models).fetchone()[0]


def breaking(kind: type, name: str, error: BaseException) -> Callable[[pytest.MonkeyPatch], None]:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return lambda monkeypatch: monkeypatch.setattr(kind, name, fail)


@pytest.mark.parametrize(
    ("broken", "by", "again"),
    [
        pytest.param(Versions, "point", RELEASE, id="the alias, release"),
        pytest.param(Versions, "point", ("sync", "format=json"), id="the alias, sync"),
        pytest.param(Versions, "register", RELEASE, id="the version, release"),
        pytest.param(Models, "_put", ("sync", "format=json"), id="the files, sync"),
    ],
)
def test_a_registration_that_breaks_off_is_finished_without_opening_the_test_split(
    run: Run, monkeypatch: pytest.MonkeyPatch, broken: type, by: str, again: tuple[str, ...]
) -> None:
    with monkeypatch.context() as patch:
        breaking(broken, by, OSError("the line is dead"))(patch)
        status, answer, said = run(*RELEASE)
    assert (status, answer["version"]) == (1, None)
    assert "Exported, but not registered" in said
    assert Path(answer["folder"], "model.safetensors").is_file()
    assert openings() == 1

    status, done, said = run(*again)
    assert status == 0
    assert openings() == 1
    assert registered() == ([("mine", 1)], [("candidate", 1)], 1)
    if again is RELEASE:
        assert done == answer | {"version": "1"}
        assert "was exported before" not in said
    else:
        assert done["releases"] == {"mine": "1"}
    assert run("sync", "format=json")[1]["releases"] == {}
    status, _, said = run(*RELEASE)
    assert status == 2
    assert "must not exist yet" in said


def test_a_process_that_dies_after_the_export_is_taken_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(embedtune.cli.commands.delivery, "register_release", interrupted)
        assert run(*RELEASE)[0] == 130
    status, answer, _ = run(*RELEASE, "release.alias=other")
    assert (status, answer["version"], openings()) == (0, "1", 1)
    assert registered()[1] == [("other", 1)]


def test_another_release_of_the_name_does_not_finish_the_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        breaking(Versions, "point", OSError("the line is dead"))(patch)
        assert run(*RELEASE)[0] == 1
    status, _, said = run(*RELEASE, "release.dim=4")
    assert status == 2
    assert "must not exist yet" in said


def test_a_registry_that_does_not_answer_stops_a_release_before_the_test_split(run: Run) -> None:
    status, answer, said = run(*RELEASE, "tracking.uri=http://127.0.0.1:9")
    assert (status, answer, openings()) == (1, None, 0)
    assert "the registry must take mine before anything is measured for it" in said
    assert not Path("releases").exists()


@pytest.mark.parametrize("alias", ["latest", "v1", "a b"])
def test_an_alias_that_mlflow_keeps_is_refused_at_once(run: Run, alias: str) -> None:
    status, answer, said = run(*RELEASE, f"release.alias='{alias}'")
    assert (status, answer, openings()) == (2, None, 0)
    assert "release.alias must" in said


@pytest.mark.parametrize("free", [0, 100])
def test_a_disk_without_room_stops_a_release_before_the_test_split(
    run: Run, monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    usage = shutil.disk_usage(".")._replace(free=free)
    monkeypatch.setattr(embedtune.release.export.export.shutil, "disk_usage", lambda _: usage)
    status, answer, said = run(*RELEASE)
    assert (status, answer, openings()) == (1, None, 0)
    assert "paths.releases must have room for the release" in said
    assert not Path("releases").exists()


def test_an_upload_that_fails_is_an_exit_status_and_is_tried_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    sent: list[str] = []

    def push(folder: Path, repository: str, *, message: str) -> str:
        sent.append(repository)
        if len(sent) == 1:
            raise ReleaseError("release.push_to_hub must be a repository that takes the release, but it did not.")
        return f"https://hub/{repository}"

    monkeypatch.setattr(embedtune.cli.commands.delivery, "push_to_hub", push)
    status, answer, _ = run(*RELEASE, "release.push_to_hub=us/mine")
    assert (status, answer["version"], answer["hub"]) == (1, "1", None)
    status, answer, _ = run(*RELEASE, "release.push_to_hub=us/mine")
    assert (status, answer["version"], answer["hub"], openings()) == (0, "1", "https://hub/us/mine", 1)
    assert registered() == ([("mine", 1)], [("candidate", 1)], 1)
