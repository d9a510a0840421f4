"""``reproduce`` on a real trial of a tiny model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

Typed = Callable[..., Any]
TINY = ("model=tiny", "train.device=cpu", "train.precision=fp32", "train.epochs=2", "tracking.enabled=false")


def test_a_trial_run_again_is_equal_to_the_last_bit(typed: Typed, task_folder: Path, workdir: Path) -> None:
    ran = typed("data=files", f"data.path={task_folder}", *TINY, "study.name=s", "format=json")
    assert ran.status == 0, ran.err
    trial = workdir / "sweeps" / "s" / "trials" / "0000"
    before = sorted(path.name for path in trial.parent.iterdir())

    again = typed("reproduce", f"run={trial}", "format=json")
    assert again.status == 0, again.err
    assert again.json["equal"] is True
    assert (again.json["trial"], again.json["max_deviation"], again.json["weights"]) == (0, 0.0, 0.0)
    assert again.json["differences"] == []
    assert len(again.json["deviations"]["64"]) == 30
    folder = workdir / "sweeps" / "s" / "reproductions" / "0000-1"
    assert again.json["folder"] == str(folder)
    assert json.loads((folder / "reproduction.json").read_text()) == again.json
    assert not (folder / "checkpoint").exists()
    assert sorted(path.name for path in trial.parent.iterdir()) == before

    change(trial, learning_rate=1e-3, torch="1.0")
    other = typed("reproduce", f"run={trial}")
    assert other.status == 1
    assert "versions.torch: recorded 1.0, now " in other.out
    assert "above reproduce.tolerance 1e-06" in other.out
    assert (folder.parent / "0000-2" / "reproduction.json").is_file()
    assert typed("reproduce", f"run={trial}", "reproduce.tolerance=2").status == 0


def test_data_that_moved_stands_in_for_the_recorded(typed: Typed, task_folder: Path, workdir: Path) -> None:
    data = ("data=files", f"data.path={task_folder}", "data.max_train=20")
    assert typed(*data, *TINY, "study.name=s").status == 0
    trial = workdir / "sweeps" / "s" / "trials" / "0000"
    before = typed("evaluate", f"run={trial}", "format=json").json
    moved = task_folder.rename(workdir / "moved")

    for command in ("evaluate", "reproduce"):
        gone = typed(command, f"run={trial}")
        assert gone.status == 2
        assert "data.path must be where the data of study s is now, but got " in gone.err
        there = typed(command, f"run={trial}", f"data.path={moved}", "format=json")
        assert there.status == 0, there.err
        assert "Not used" not in there.err
        if command == "evaluate":
            assert there.json == before

    change_data(moved / "val.jsonl")
    for command in ("evaluate", "reproduce"):
        other = typed(command, f"run={trial}", f"data.path={moved}")
        assert other.status == 2
        assert "but validation changed since (digests differ)" in other.err
    assert typed("evaluate", f"run={trial}", "data=files", f"data.path={moved}").status == 0


def change_data(file: Path) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    first = next(iter(content["corpus"]))
    content["corpus"][first] += " And more."
    file.write_text(json.dumps(content), encoding="utf-8")


def change(trial: Path, *, learning_rate: float, torch: str) -> None:
    """Make the record that of another training, by other versions."""
    config = yaml.safe_load((trial / "config.yaml").read_text())
    config["train"]["learning_rate"] = learning_rate
    (trial / "config.yaml").write_text(yaml.safe_dump(config))
    result = json.loads((trial / "result.json").read_text())
    result["facts"]["versions"]["torch"] = torch
    (trial / "result.json").write_text(json.dumps(result))


def test_there_must_be_a_run(typed: Typed) -> None:
    assert "run must be given, but got None" in typed("reproduce").err
    missing = typed("reproduce", "run=nowhere", "reproduce.tolerance=-1")
    assert missing.status == 2
    assert "reproduce.tolerance must be at least 0, but got -1" in missing.err
