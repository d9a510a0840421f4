"""Hydra's launchers as hosts of the workers, for real: the extras ``ray`` and ``slurm``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from embedtune.machine.processes import worker_alive
from embedtune.records import RetrievalSet

LAUNCHERS = {"ray": "hydra_plugins.hydra_ray_launcher", "submitit_local": "hydra_plugins.hydra_submitit_launcher"}


@pytest.fixture(params=list(LAUNCHERS))
def launcher(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(LAUNCHERS[request.param])
    return str(request.param)


@pytest.fixture
def command(launcher: str, workdir: Path, small_set: RetrievalSet) -> list[str]:
    folder = workdir / "task"
    folder.mkdir()
    for split in ("training", "val", "test"):
        document = {
            "questions": dict(small_set.queries),
            "relevant_contexts": {key: sorted(ids) for key, ids in small_set.relevant.items()},
            "corpus": dict(small_set.corpus),
        }
        (folder / f"{split}.jsonl").write_text(json.dumps(document), encoding="utf-8")
    return [
        sys.executable, "-m", "embedtune", "-m", "sweep=random", "model=tiny", "data=files", "data.path=task",
        "study.name=s", "study.n_trials=5", "study.workers=2", "train.epochs=30", "eval.every=1", "train.device=cpu",
        "tracking.enabled=false", "format=json", f"hydra/launcher={launcher}",
    ]  # fmt: skip


def busy(seconds: float = 600.0) -> str:
    """The identity of a worker that is amid a trial."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for header in sorted(Path("sweeps/s/trials").glob("*/trial.json")):
            if (header.parent / "metrics.jsonl").exists() and not (header.parent / "result.json").exists():
                return str(json.loads(header.read_text())["facts"]["worker"])
        time.sleep(0.05)
    raise AssertionError("no trial began")


def pid(identity: str) -> int:
    return int(identity.split(":")[1])


def gone(identity: str, seconds: float = 120.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and worker_alive(identity):
        time.sleep(0.2)
    return not worker_alive(identity)


def start(command: list[str]) -> subprocess.Popen[bytes]:
    # Into files: what a launcher started may hold a pipe open after the command has ended.
    with Path("out").open("w") as out, Path("err").open("w") as err:
        return subprocess.Popen(command, stdout=out, stderr=err)


def finish(process: subprocess.Popen[bytes], seconds: float = 500.0) -> tuple[Any, str]:
    process.wait(seconds)
    err = Path("err").read_text()
    assert process.returncode == 0, err
    return json.loads(Path("out").read_text()), err


@pytest.mark.slow
def test_no_password_is_in_a_file_that_a_launcher_writes(command: list[str], launcher: str) -> None:
    uri = "tracking.uri='http://anna:ge%23heim-1@127.0.0.1:9'"
    board, _ = finish(start([*command, uri, "train.epochs=1", "hydra.sweeper.params=null", "study.n_trials=1"]))
    assert board["states"]["complete"] == 1
    files = [path for path in Path().rglob("*") if path.is_file() and "task" not in path.parts]
    assert launcher != "submitit_local" or any(path.suffix == ".pkl" for path in files)
    for secret in (b"ge%23heim-1", b"ge#heim-1"):
        assert [path for path in files if secret in path.read_bytes()] == []


@pytest.mark.slow
def test_a_worker_killed_amid_a_trial_is_made_good(command: list[str]) -> None:
    process = start(command)
    os.kill(pid(busy()), signal.SIGKILL)
    board, err = finish(process)
    assert board["states"] == {"complete": 5, "pruned": 0, "fail": 0, "running": 0, "waiting": 0}
    assert "it is queued again" in err
    results = [json.loads(path.read_text()) for path in Path("sweeps/s/trials").glob("*/result.json")]
    assert sum(result["interrupted"] == "died" for result in results) == 1
    assert len(results) == 6


@pytest.mark.slow
def test_ctrl_c_twice_leaves_no_worker_and_the_command_goes_on(command: list[str]) -> None:
    process = start(command)
    worker = busy()
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130
    assert gone(worker)
    board, _ = finish(start(command))
    assert board["states"] == {"complete": 5, "pruned": 0, "fail": 0, "running": 0, "waiting": 0}


@pytest.mark.slow
def test_workers_leave_with_a_killed_sweep(command: list[str]) -> None:
    process = start(command)
    worker = busy()
    process.kill()
    process.wait(60)
    assert gone(worker)
    board, _ = finish(start(command))
    assert board["states"]["complete"] == 5
    assert board["states"]["running"] == 0
