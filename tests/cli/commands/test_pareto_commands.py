"""Two objectives through the command: real Hydra, Optuna, training and MLflow on the tiny model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import embedtune
from embedtune.ranking import pareto_front

Typed = Callable[..., Any]
SMALL = ("model=tiny", "train.device=cpu", "train.precision=fp32", "train.epochs=choice(1,2)", "study.name=s")
RATE = "train.learning_rate=tag(log,interval(1e-4,1e-2))"


def arguments(folder: Path, *more: str) -> list[str]:
    return ["-m", "sweep=pareto", "data=files", f"data.path={folder}", *SMALL, RATE, *more]


def test_what_two_objectives_cannot_have_is_refused_before_anything_is_written(
    typed: Typed, task_folder: Path, workdir: Path
) -> None:
    refused = typed(*arguments(task_folder, "pruner=median", "eval.second=dimension"))
    assert refused.status == 2
    assert "hydra.sweeper.pruner must be none with eval.second" in refused.err
    assert "eval.dim must be searched with eval.second=dimension" in refused.err
    unmeasured = typed(*arguments(task_folder, "eval.second=48"))
    assert unmeasured.status == 2
    assert "eval.second must be measured and not eval.dim, one of [32, 16, 8, 4], but got 48." in unmeasured.err
    assert not (workdir / "sweeps").exists()


@pytest.mark.slow
def test_a_study_of_quality_at_two_sizes(typed: Typed, task_folder: Path, workdir: Path) -> None:
    swept = typed(*arguments(task_folder, "study.n_trials=6", "study.keep=2", "format=json"))
    assert swept.status == 0, swept.err
    board = swept.json
    assert board["states"]["complete"] == 6
    assert [objective["dim"] for objective in board["objectives"]] == [64, 4]
    loaded = embedtune.load_study("s", workdir / "sweeps")
    assert board["front"] == [record.number for record in pareto_front(loaded.trials)]
    for entry in board["trials"]:
        assert entry["values"] == [entry["metrics"][dim]["cosine_map@100"] for dim in ("64", "4")]
    kept = [entry["number"] for entry in board["trials"] if entry["checkpoint"]]
    assert len(kept) == 2
    assert set(kept) <= set(board["front"]) or len(board["front"]) < 2
    assert list(loaded.to_dataframe().columns)[5:7] == ["second", "front"]

    again = typed(*arguments(task_folder, "study.n_trials=7", "format=json"))
    assert again.json["states"]["complete"] == 7
    other = typed(*arguments(task_folder, "study.n_trials=8", "eval.second=16"))
    assert other.status == 2
    assert "second was 4, now 16" in other.err

    reported = typed("report", "study.name=s", "format=json")
    assert reported.json["verdict"].startswith("Front of cosine_map@100 at 64 and 4: ")
    assert (workdir / "sweeps" / "s" / "plots" / "front.png").is_file()
    released = typed("release", "study.name=s", "release.gate=false")
    assert released.status == 0, released.err
    assert "Front:      trials " in released.out


@pytest.mark.slow
def test_a_study_of_quality_against_dimension(typed: Typed, task_folder: Path, workdir: Path) -> None:
    sizes = ("eval.second=dimension", "eval.dim=choice(64,16,8)")
    swept = typed(*arguments(task_folder, *sizes, "study.n_trials=5", "study.workers=2", "format=json"))
    assert swept.status == 0, swept.err
    board = swept.json
    assert board["states"]["complete"] == 5
    first = next(entry for entry in board["trials"] if entry["number"] == 0)
    assert first["params"]["eval.dim"] == 64, "the default recipe has the full size"
    for entry in board["trials"]:
        size = entry["params"]["eval.dim"]
        assert entry["values"] == [entry["metrics"][str(size)]["cosine_map@100"], size]
    assert board["baseline"]["values"][1] == 64
    reported = typed("report", "study.name=s", "format=json")
    assert "against dimensions" in reported.json["verdict"]
