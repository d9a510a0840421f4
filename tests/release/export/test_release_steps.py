"""The steps left for a release are those of this workspace's own releases, whatever a study's file says."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from embedtune.config import ReleaseConfig
from embedtune.paths import StudyPaths
from embedtune.release.export.delivery import Delivery, load, save
from embedtune.release.export.export import EVIDENCE
from embedtune.tracking import NewVersion

DECISION = {"dim": 64}


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    return tmp_path / "releases"


@pytest.fixture
def begun(releases: Path) -> Delivery:
    export(releases / "mine")
    version = NewVersion("mine", "candidate", {}, None, {})
    return Delivery(
        "mine", str(releases / "mine"), ReleaseConfig(push_to_hub="x/y"), version, {"decision": {**DECISION}}
    )


def export(folder: Path) -> None:
    (folder / EVIDENCE).mkdir(parents=True)
    (folder / EVIDENCE / "decision.json").write_text(json.dumps(DECISION))


def test_a_release_of_this_workspace_is_taken_up(begun: Delivery, releases: Path, tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    save(study, begun)
    assert [load(file, releases) for file in study.deliveries()] == [begun]


def test_another_folder_is_neither_registered_nor_uploaded(
    begun: Delivery, releases: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    export(tmp_path / "theirs")
    (releases / "linked").symlink_to(tmp_path / "theirs")
    study = StudyPaths(tmp_path / "s")
    for name, folder in (
        ("mine", tmp_path / "theirs"), ("linked", releases / "linked"), ("theirs", releases / ".." / "theirs"),
    ):  # fmt: skip
        save(study, replace(begun, release=name, folder=str(folder)))
        assert load(study.delivery(name), releases) is None
    study.delivery("mine").rename(study.delivery("other"))
    assert load(study.delivery("other"), releases) is None
    assert caplog.text.count(f"must be of a release in {releases}, but is of") == 4


@pytest.mark.parametrize("spoil", [os.mkfifo, Path.mkdir, lambda path: path.write_text("[" * 100_000)])
@pytest.mark.parametrize("spoiled", ["steps", "decision"])
def test_what_cannot_be_read_is_no_step_and_keeps_nobody_waiting(
    begun: Delivery, releases: Path, tmp_path: Path, spoil: Callable[[Path], object], spoiled: str
) -> None:
    study = StudyPaths(tmp_path / "s")
    save(study, begun)
    file = study.delivery("mine") if spoiled == "steps" else releases / "mine" / EVIDENCE / "decision.json"
    file.unlink()
    spoil(file)
    assert load(study.delivery("mine"), releases) is None
