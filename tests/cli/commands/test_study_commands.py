"""The three moves on a tiny model: search, look, release. Real Hydra, Optuna, training and MLflow."""

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
import yaml

from embedtune import archive
from embedtune.cli.main import main
from embedtune.paths import StudyPaths
from embedtune.records import Interruption, State, TrialRecord

Typed = Callable[..., Any]
SMALL = ("model=tiny", "train.device=cpu", "train.precision=fp32", "train.epochs=1", "study.name=s")


def sweep_arguments(folder: Path, *more: str) -> list[str]:
    return ["-m", "sweep=optuna", "data=files", f"data.path={folder}", *SMALL, *more]


def numbers(board: dict[str, Any], *states: str) -> list[int]:
    return sorted(entry["number"] for entry in board["trials"] if entry["state"] in states)


def test_sweep_look_and_release(typed: Typed, task_folder: Path, workdir: Path) -> None:
    swept = typed(*sweep_arguments(task_folder, "study.n_trials=3", "format=json"))
    assert swept.status == 0, swept.err
    board = swept.json
    assert board["states"]["complete"] + board["states"]["pruned"] == 3
    first = next(entry for entry in board["trials"] if entry["number"] == 0)
    assert first["params"]["train.batch_size"] == 20
    assert first["params"]["train.learning_rate"] == 5e-5
    assert first["params"]["loss.matryoshka.weights.16"] == 1.0
    assert "train.epochs" not in first["params"]
    values = [entry["value"] for entry in board["trials"]]
    assert values == sorted(values, reverse=True)
    assert all(entry["run_id"] for entry in board["trials"])

    again = typed(*sweep_arguments(task_folder, "study.n_trials=3", "format=json"))
    assert again.json["trials"] == board["trials"]
    more = typed(*sweep_arguments(task_folder, "study.n_trials=4", "format=json"))
    assert numbers(more.json, "complete", "pruned") == [0, 1, 2, 3]

    assert typed("leaderboard", "format=json").json == more.json
    assert typed("leaderboard").out.splitlines()[0].strip().startswith("s: ")
    assert typed("studies", "format=json").json["studies"][0]["trials"] == "4/4"

    # A random model that has hardly learnt need not be better than the untuned one.
    released = typed("release", "study.name=s", "release.gate=false", "format=json")
    assert released.status == 0, released.err
    check_release(released.json, more.json, workdir)
    refused = typed("release", "study.name=s", "release.trial=77")
    assert refused.status == 2
    assert "release.trial must be a trial that keeps its weights, but got 77" in refused.err
    assert "release.overwrite=true" in refused.err

    best = more.json["trials"][0]
    evaluated = typed("evaluate", f"run={best['run_id']}", "format=json")
    assert evaluated.json["dims"]["64"]["cosine_map@100"] == pytest.approx(best["value"], abs=1e-6)
    assert typed("sync", "format=json").json["delivered"] == {"s": 5}


def check_release(document: dict[str, Any], board: dict[str, Any], workdir: Path) -> None:
    from sentence_transformers import SentenceTransformer

    folder = workdir / "releases" / "s"
    assert document["folder"] == str(folder)
    # Of a tie the trial that trained in the least time is taken, and time is not ours to choose.
    assert document["trial"] in (board["tie"] or [board["trials"][0]["number"]])
    assert document["version"] == "1"
    value = next(entry["value"] for entry in board["trials"] if entry["number"] == document["trial"])
    assert document["scores"]["validation"]["64"]["cosine_map@100"] == pytest.approx(value, abs=1e-6)
    assert set(document["scores"]) == set(document["untuned"]) == {"validation", "test"}
    model = SentenceTransformer(str(folder), device="cpu")
    assert model.encode(["one", "two", "three"]).shape == (3, 64)
    front = yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert len(front["metrics"]) == 30
    opened = (workdir / "sweeps" / "s" / "test_openings.jsonl").read_text().splitlines()
    assert [json.loads(line)["reason"] for line in opened] == ["release s"]


def test_sweep_with_another_definition_is_refused(typed: Typed, task_folder: Path) -> None:
    assert typed(*sweep_arguments(task_folder, "study.n_trials=1", "tracking.enabled=false")).status == 0
    changed = typed(*sweep_arguments(task_folder, "study.n_trials=2", "train.learning_rate=1e-3"))
    assert changed.status == 2
    assert "space.train.learning_rate was tag(log, interval(1e-5, 3e-4)), now None" in changed.err


def test_sweep_failed_trials_do_not_end_the_study(typed: Typed, task_folder: Path) -> None:
    # The learning rate overflows the weights: the loss turns NaN and the trial fails.
    space = "train.learning_rate=choice(5e-5, 1e30)"
    result = typed(*sweep_arguments(task_folder, "study.n_trials=6", space, "tracking.enabled=false", "format=json"))
    assert result.status == 0, result.err
    failed = [entry for entry in result.json["trials"] if entry["state"] == "fail"]
    assert failed
    assert {entry["params"]["train.learning_rate"] for entry in failed} == {1e30}
    assert all("finite" in entry["reason"] for entry in failed)
    assert result.json["states"]["complete"] >= 1
    assert sum(result.json["states"].values()) == 6


def test_sweep_without_a_completed_trial_fails(typed: Typed, task_folder: Path) -> None:
    result = typed(
        *sweep_arguments(task_folder, "study.n_trials=1", "train.learning_rate=1e30", "tracking.enabled=false")
    )
    assert result.status == 1
    assert "completed no trial" in result.err
    assert "Traceback" not in result.err


def test_sweep_survives_a_tracking_server_that_is_down(typed: Typed, task_folder: Path, workdir: Path) -> None:
    down = "tracking.uri=http://127.0.0.1:9"
    result = typed(*sweep_arguments(task_folder, "study.n_trials=1", down, "format=json"))
    assert result.status == 0, result.err
    assert "Not delivered to tracking" in result.err
    assert result.json["trials"][0]["run_id"] is None
    delivered = typed("sync", "format=json")
    assert delivered.json["delivered"] == {"s": 2}
    assert typed("leaderboard", "format=json").json["trials"][0]["run_id"]


def test_single_runs_are_trials_of_their_own_study(typed: Typed, task_folder: Path) -> None:
    arguments = ("data=files", f"data.path={task_folder}", "model=tiny", "train.epochs=1", "train.precision=fp32")
    first = typed(*arguments, "tracking.enabled=false", "format=json")
    assert first.status == 0, first.err
    second = typed(*arguments, "tracking.enabled=false", "train.seed=7", "format=json")
    assert second.json["study"] == "small-task-tiny-single"
    assert numbers(second.json, "complete") == [0, 1]
    assert second.json["baseline"]["value"] is not None


def test_single_run_that_fails_says_why(typed: Typed, task_folder: Path, workdir: Path) -> None:
    result = typed(
        "data=files",
        f"data.path={task_folder}",
        *SMALL,
        "train.learning_rate=1e30",
        "tracking.enabled=false",
        "loss=plain",
    )
    assert result.status == 1
    assert "loss must be finite" in result.out
    assert "Traceback" in (workdir / "sweeps" / "s" / "trials" / "0000" / "trial.log").read_text()


@pytest.mark.parametrize(
    "signal_number",
    [signal.SIGKILL, *(pytest.param(s, marks=pytest.mark.slow) for s in (signal.SIGINT, signal.SIGTERM))],
)
def test_interrupted_study_goes_on_to_its_total(
    typed: Typed, task_folder: Path, workdir: Path, signal_number: signal.Signals
) -> None:
    arguments = sweep_arguments(task_folder, "study.n_trials=2", "tracking.enabled=false", "format=json")
    arguments = [argument if argument != "train.epochs=1" else "train.epochs=500" for argument in arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-m", "embedtune", *arguments], env=environment)
    wait_for(workdir / "sweeps" / "s" / "trials" / "0000" / "metrics.jsonl")
    process.send_signal(signal_number)
    if signal_number == signal.SIGINT:
        time.sleep(1)  # the first lets the trial end, which would take minutes
        process.send_signal(signal_number)
    assert process.wait(30) == (-signal.SIGKILL if signal_number == signal.SIGKILL else 130)
    interrupted = typed("leaderboard", "study.name=s", "format=json").json
    expected = {"running": 1} if signal_number == signal.SIGKILL else {"waiting": 1}
    assert {state: count for state, count in interrupted["states"].items() if count} == expected

    mend_epochs(workdir)
    arguments[arguments.index("train.epochs=500")] = "train.epochs=1"
    assert main(arguments) == 0
    board = typed("leaderboard", "study.name=s", "format=json").json
    assert numbers(board, "complete", "pruned") == [1, 2]
    assert board["states"]["running"] == board["states"]["waiting"] == 0
    retried = next(entry for entry in board["trials"] if entry["number"] == 1)
    assert retried["params"]["train.batch_size"] == 20
    again = archive.read_record(StudyPaths(workdir / "sweeps" / "s"), 1)
    assert again is not None
    assert again.facts["attempt"] == 2
    first = archive.read_record(StudyPaths(workdir / "sweeps" / "s"), 0)
    assert first is not None
    assert first.state == State.FAIL
    assert first.interrupted is (Interruption.DIED if signal_number == signal.SIGKILL else Interruption.STOPPED)


@pytest.mark.slow
def test_workers_share_a_study_and_replace_a_killed_one(typed: Typed, task_folder: Path, workdir: Path) -> None:
    arguments = sweep_arguments(task_folder, "study.n_trials=4", "study.workers=2", "format=json")
    process = subprocess.Popen([sys.executable, "-m", "embedtune", *arguments], stdout=subprocess.PIPE, text=True)
    wait_for(workdir / "sweeps" / "s" / "trials" / "0000" / "trial.json")
    record = archive.read_record(StudyPaths(workdir / "sweeps" / "s"), 0)
    assert record is not None
    killed = int(record.facts["worker"].split(":")[1])
    assert killed != process.pid
    os.kill(killed, signal.SIGKILL)
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    board = json.loads(out)
    assert board["states"]["complete"] + board["states"]["pruned"] == 4
    assert board["states"]["running"] == board["states"]["waiting"] == 0
    assert all(entry["run_id"] for entry in board["trials"])
    workers = {record.facts["worker"] for record in archive.read_records(StudyPaths(workdir / "sweeps" / "s"))}
    assert len(workers) >= 2


@pytest.mark.slow
def test_killed_supervisor_leaves_no_worker(typed: Typed, task_folder: Path, workdir: Path) -> None:
    arguments = sweep_arguments(task_folder, "study.n_trials=4", "study.workers=1", "tracking.enabled=false")
    arguments = [argument if argument != "train.epochs=1" else "train.epochs=500" for argument in arguments]
    process = subprocess.Popen([sys.executable, "-m", "embedtune", *arguments])
    wait_for(workdir / "sweeps" / "s" / "trials" / "0000" / "metrics.jsonl")
    process.kill()
    process.wait()
    wait_for(workdir / "sweeps" / "s" / "trials" / "0000" / "result.json")
    board = typed("leaderboard", "study.name=s", "format=json").json
    assert board["states"]["running"] == 0
    assert board["states"]["waiting"] == 1


def mend_epochs(workdir: Path) -> None:
    """The first command trained long enough to be interrupted; make the second one short."""
    file = workdir / "sweeps" / "s" / "study.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("epochs: 500", "epochs: 1"), encoding="utf-8")


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 120
    while not file.is_file():
        assert time.monotonic() < deadline, f"{file} did not appear"
        time.sleep(0.05)


def test_trial_record_survives_its_folder(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    record = TrialRecord("s", 3, State.PRUNED, params={"train.x": "ü"}, value=0.5, reason="pruned")
    archive.write_header(study.trial(3), TrialRecord("s", 3, State.RUNNING), {"train": {"x": 1}})
    assert archive.read_record(study, 3) == TrialRecord("s", 3, State.RUNNING)
    archive.write_result(study.trial(3), record)
    assert list(archive.read_records(study)) == [record]
    assert archive.read_config(study.trial(3)) == {"train": {"x": 1}}
