"""A study whose disk fills up while a trial trains: the error is raised where a disk with room would not raise it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedtune import archive
from embedtune.paths import StudyPaths
from embedtune.records import Interruption, State
from embedtune.trial import measuring


@pytest.mark.parametrize("where", ["weights", pytest.param("result", marks=pytest.mark.slow)])
def test_full_disk_stops_the_study_which_goes_on_once_there_is_room(
    typed: Callable[..., Any], task_folder: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def sweep() -> Any:
        return typed(
            "-m", "sweep=random", "model=tiny", "data=files", f"data.path={task_folder}", "study.name=s",
            "study.n_trials=3", "train.epochs=2", "train.device=cpu", "tracking.enabled=false", "format=json",
        )  # fmt: skip

    owner, name = (measuring.shutil, "rmtree") if where == "weights" else (archive, "write_result")
    original = getattr(owner, name)

    def without_room(*args: Any, **kwargs: Any) -> Any:
        if "0001" in str(args[0]) and (where == "result" or "checkpoint.new" in str(args[0])):
            raise OSError(errno.ENOSPC, "No space left on device", str(args[0]))
        return original(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, without_room)
        full = sweep()
    assert full.status == 1
    assert "DiskFull: the disk must have room for the record, but" in full.err
    assert "Free some and type the same command again" in full.err
    assert "Traceback" not in full.err
    study = StudyPaths(workdir / "sweeps" / "s")
    assert (len(list(study.trials())), archive.read_record(study, 0) is not None) == (2, True)
    freed = sweep()
    assert freed.status == 0, freed.err
    assert freed.json["states"] == {"complete": 3, "pruned": 0, "fail": 0, "running": 0, "waiting": 0}
    lost = archive.read_record(study, 1)
    assert lost is not None
    # Without room for its result it stays open until a command sees that its process, here this one, is gone.
    assert lost.interrupted is Interruption.STOPPED if where == "weights" else lost.state == State.RUNNING


def test_full_disk_ends_a_single_run_and_its_weights_give_back_their_room(
    typed: Callable[..., Any], task_folder: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = archive.append_evaluation, []

    def without_room(*args: Any) -> None:
        calls.append(1)
        if len(calls) == 3:  # of the baseline, of the first epoch, of the second
            raise OSError(errno.ENOSPC, "No space left on device", "metrics.jsonl")
        original(*args)

    monkeypatch.setattr(archive, "append_evaluation", without_room)
    full = typed(
        "model=tiny", "data=files", f"data.path={task_folder}", "study.name=s", "train.epochs=2", "train.device=cpu",
        "tracking.enabled=false",
    )  # fmt: skip
    assert full.status == 1
    assert "DiskFull: the disk must have room for the record, but OSError" in full.err
    study = StudyPaths(workdir / "sweeps" / "s")
    assert not study.trial(0).checkpoint.exists()
    assert study.kept() == []
