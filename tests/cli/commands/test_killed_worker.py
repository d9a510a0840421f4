"""SIGKILL of a real worker, and the same study twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedtune import archive
from embedtune.paths import StudyPaths

Typed = Callable[..., Any]
SMALL = ("model=tiny", "train.device=cpu", "train.precision=fp32", "sweep=optuna", "tracking.enabled=false")


def arguments(folder: Path, name: str, *more: str) -> list[str]:
    return ["-m", *SMALL, "data=files", f"data.path={folder}", f"study.name={name}", "format=json", *more]


def run(command: list[str], **options: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "embedtune", *command], stdout=subprocess.PIPE, text=True, env=environment, **options
    )


def measured(study: StudyPaths, number: int) -> list[tuple[int, Any, float | None]]:
    return [(e.step, e.metrics, e.loss) for e in archive.read_evaluations(study.trial(number))]


@pytest.mark.slow
def test_a_killed_worker_costs_nothing_but_time(task_folder: Path, workdir: Path) -> None:
    """The weights of the trial that goes on are those of one never killed, bit by bit."""
    more = ("study.n_trials=1", "study.workers=1", "train.epochs=40")
    whole = run(arguments(task_folder, "whole", *more))
    assert whole.wait(300) == 0
    killed = run(arguments(task_folder, "killed", *more))
    first, second = StudyPaths(workdir / "sweeps" / "whole"), StudyPaths(workdir / "sweeps" / "killed")
    deadline = time.monotonic() + 120
    while len(archive.read_evaluations(second.trial(0))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    record = archive.read_record(second, 0)
    assert record is not None
    os.kill(int(record.facts["worker"].split(":")[1]), signal.SIGKILL)
    out, _ = killed.communicate(timeout=300)
    assert killed.returncode == 0
    board = json.loads(out)
    assert {state: count for state, count in board["states"].items() if count} == {"complete": 1}
    again = archive.read_record(second, 1)
    assert again is not None
    assert again.facts["attempt"] == 2
    steps = archive.read_evaluations(second.trial(0))
    assert again.facts["resumed_from"] >= steps[-2].step, "it lost one evaluation interval at most"
    assert measured(second, 1) == measured(first, 0)
    weights = [(study.checkpoint(n) / "model.safetensors").read_bytes() for study, n in ((first, 0), (second, 1))]
    assert weights[0] == weights[1]
    assert not list(second.root.rglob("resume"))


@pytest.mark.slow
def test_the_same_study_twice_is_the_same(typed: Typed, task_folder: Path, workdir: Path) -> None:
    """One worker, a fixed seed, one device: the same configurations and the same scores."""
    boards = []
    for name in ("one", "two"):
        command = arguments(task_folder, name, "study.n_trials=7", "train.epochs=1", "study.workers=1")
        process = run(command)
        out, _ = process.communicate(timeout=600)
        assert process.returncode == 0
        boards.append(json.loads(out))
    keys = ("number", "state", "params", "value", "metrics")
    one, two = ([{key: trial[key] for key in keys} for trial in board["trials"]] for board in boards)
    assert one == two
    assert len({json.dumps(trial["params"]) for trial in one}) == 7
