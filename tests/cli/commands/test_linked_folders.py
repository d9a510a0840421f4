"""A folder of a study that is a link leads elsewhere: nothing is written or deleted there, by any command."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Typed = Callable[..., Any]
TINY = (
    "model=tiny",
    "data=files",
    "data.path=small task",
    "train.device=cpu",
    "train.precision=fp32",
    "train.epochs=1",
)
SWEEP = ("-m", "sweep=optuna", *TINY, "study.name=s", "train.learning_rate=interval(1e-5,1e-3)", "study.keep=1")
RELEASE = ("release", "study.name=s", "release.gate=false", "release.register=false")
COMMANDS = (
    (*SWEEP, "study.n_trials=3"),
    RELEASE,
    ("report", "study.name=s"),
    ("reproduce", "run=sweeps/s/trials/0001"),
)
FOLDERS = ("checkpoints", "trials", "trials/0000", "trials/0000/resume", "baseline", "plots", "decisions")


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_nothing_is_written_or_deleted_through_a_link_in_a_study(
    typed: Typed, task_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert typed(*SWEEP, "study.n_trials=2").status == 0
    study = Path("sweeps/s").absolute()
    for name in FOLDERS:
        elsewhere = tmp_path_factory.mktemp("elsewhere") / "victims"
        (study / name).mkdir(exist_ok=True)
        shutil.move(study / name, elsewhere)
        for victim in ("0000", "0001", "00000001"):
            (elsewhere / victim).mkdir(exist_ok=True)
            (elsewhere / victim / "model.safetensors").write_text("victim")
        (study / name).symlink_to(elsewhere)
        before = content(elsewhere)
        for command in COMMANDS if name == "checkpoints" else COMMANDS[:2]:
            done = typed(*command)
            assert done.status == 2, (name, command, done.err)
            assert f"sweeps/s/{name} must be a folder of the study, but it is a symbolic link." in done.err
        assert content(elsewhere) == before, name
        os.unlink(study / name)
        shutil.rmtree(elsewhere / "00000001", ignore_errors=True)
        shutil.move(elsewhere, study / name)


def test_sync_delivers_the_studies_beside_one_with_a_link(
    typed: Typed, task_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b"):
        assert typed(*TINY, f"study.name={name}").status == 0
    Path("sweeps/a/plots").symlink_to(tmp_path)
    done = typed("sync", "format=json")
    assert done.status == 0
    assert list(done.json["delivered"]) == ["b"]
    assert "plots must be a folder of the study" in caplog.text + done.err
