"""Grids, conditions, constraints and known configurations through the real command, on a tiny model."""

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
from embedtune.paths import StudyPaths
from embedtune.records import State, StudyDefinition
from embedtune.reporting.leaderboard import leaderboard
from embedtune.reporting.tables import leaderboard_table, stdout_console
from embedtune.study import load_study, states

Typed = Callable[..., Any]
FIXED = ("train.warmup_ratio=0.0", "train.batch_sampler=plain")
CONDITION = "hydra.sweeper.conditions={train.warmup_ratio: 'train.scheduler=cosine'}"


def arguments(folder: Path, *more: str, name: str = "s") -> list[str]:
    fixed = ["model=tiny", "train.device=cpu", "train.precision=fp32", "train.epochs=1", "tracking.enabled=false"]
    return ["-m", "data=files", f"data.path={folder}", *fixed, f"study.name={name}", "format=json", *more]


def grid(folder: Path, *more: str, name: str = "s") -> list[str]:
    space = ["train.batch_size=choice(8, 30)", "train.scheduler=choice(linear, cosine)"]
    rules = [CONDITION, "hydra.sweeper.constraints=['train.warmup_ratio <= 0.1', 'steps <= 2']"]
    warmup = ["train.warmup_ratio=choice(0.1, 0.2)", "train.learning_rate=1e-4"]
    return arguments(folder, "sweep=grid", *space, *warmup, *rules, *more, name=name)


def definition(workdir: Path, name: str = "s") -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((workdir / "sweeps" / name / "study.yaml").read_text(encoding="utf-8"))
    return values


def test_grid_with_conditions_and_constraints(
    typed: Typed, task_folder: Path, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    swept = typed(*grid(task_folder))
    assert swept.status == 0, swept.err
    board = swept.json
    assert board["n_trials"] == board["states"]["complete"] == 4
    tried = {tuple(entry["params"].items()) for entry in board["trials"]}
    linear, cosine = ("train.scheduler", "linear"), ("train.scheduler", "cosine")
    assert tried == {
        (("train.batch_size", size), *rest)
        for size in (8, 30)
        for rest in ((linear,), (cosine, ("train.warmup_ratio", 0.1)))
    }
    assert [entry["feasible"] for entry in board["trials"]] == [True, True, False, False]
    assert {entry["params"]["train.batch_size"] for entry in board["trials"][:2]} == {30}
    stored = definition(workdir)
    assert stored["conditions"] == {"train.warmup_ratio": "train.scheduler=cosine"}
    assert stored["constraints"] == ["train.warmup_ratio <= 0.1", "steps <= 2"]
    assert stored["n_trials"] == 4

    study = StudyPaths(workdir / "sweeps" / "s")
    for record in archive.read_records(study):
        config = archive.read_config(study.trial(record.number))
        assert config["train"]["warmup_ratio"] == record.params.get("train.warmup_ratio", 0.0)
    stdout_console().print(
        leaderboard_table(leaderboard(StudyDefinition.from_dict(stored), archive.read_records(study)))
    )
    lines = capsys.readouterr().out.splitlines()
    assert sum("infeasible" in line for line in lines) == 2
    assert sum(line.split()[-1:] == ["-"] for line in lines) == 2  # no warm-up with a linear schedule

    again = typed(*grid(task_folder, "study.n_trials=9"))
    assert again.status == 0, again.err
    assert again.json["trials"] == board["trials"]

    opened = load_study(study)
    assert opened is not None
    trials = opened.optuna.get_trials()
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert {trial.constraints["steps <= 2"] for trial in trials} == {0.0, 2.0}

    best = [entry["params"] for entry in board["trials"][:2]]
    check_warm_start(typed, task_folder, [own["train.scheduler"] for own in best])


def check_warm_start(typed: Typed, task_folder: Path, best_schedulers: list[str]) -> None:
    """The default recipe comes first, then what is given, then the best of the study before."""
    space = ["train.batch_size=choice(8, 20, 30)", "train.scheduler=choice(linear, cosine)",
             "train.learning_rate=interval(1e-5, 1e-3)", "loss=plain", *FIXED]  # fmt: skip
    known = ["hydra.sweeper.enqueue=[{train.learning_rate: 2e-4}]", "hydra.sweeper.warm_start=s", "study.n_trials=4"]
    swept = typed(*arguments(task_folder, "sweep=random", *space, *known, name="t"))
    assert swept.status == 0, swept.err
    trials = [entry["params"] for entry in sorted(swept.json["trials"], key=lambda entry: int(entry["number"]))]
    assert [params["train.learning_rate"] for params in trials] == [5e-5, 2e-4, 1e-4, 1e-4]
    assert [params["train.batch_size"] for params in trials] == [20, 20, 30, 30]
    assert [params["train.scheduler"] for params in trials[2:]] == best_schedulers


@pytest.mark.slow
def test_changed_definition_begins_a_new_study_on_request(typed: Typed, task_folder: Path, workdir: Path) -> None:
    space = ["sweep=random", "train.batch_size=choice(8, 30)", "loss=plain", *FIXED, "study.n_trials=1"]
    for rate in ("1e-4", "2e-4", "2e-4"):
        result = typed(*arguments(task_folder, *space, f"train.learning_rate={rate}", "study.on_change=new"))
        assert result.status == 0, result.err
    assert sorted(path.name for path in (workdir / "sweeps").iterdir()) == ["s", "s-2"]
    assert definition(workdir, "s-2")["name"] == result.json["study"] == "s-2"
    assert result.json["states"]["complete"] == 1
    refused = typed(*arguments(task_folder, *space, "train.learning_rate=3e-4"))
    assert refused.status == 2
    assert "recipe.train.learning_rate was 0.0001, now 0.0003" in refused.err
    assert "study.on_change=new" in refused.err


@pytest.mark.slow
def test_repeats_have_seeds_of_their_own(typed: Typed, task_folder: Path, workdir: Path) -> None:
    space = ["train.batch_size=choice(8, 30)", "train.epochs=0.5", "train.learning_rate=1e-3", "loss=plain"]
    repeats = ["hydra.sweeper.repeats=true", "study.n_trials=3"]
    result = typed(*arguments(task_folder, "sweep=grid", *space, *repeats))
    assert result.status == 0, result.err
    study = StudyPaths(workdir / "sweeps" / "s")
    records = list(archive.read_records(study))
    assert [record.params["train.batch_size"] for record in records] == [8, 30, 8]
    assert [record.facts.get("repeat") for record in records] == [None, None, 1]
    assert [archive.read_config(study.trial(n))["train"]["seed"] for n in range(3)] == [42, 42, 43]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["train.learning_rate=interval(0.1, 0.2)"], "must be choices and ranges for a grid, but train.learning_rate"),
        (["hydra.sweeper.constraints=['train.batch_size <= 4']"], "no configuration keeps train.batch_size <= 4"),
        (["hydra.sweeper.constraints=['train.lr <= 4']"], "there is no train.lr"),
        (["hydra.sweeper.conditions={train.batch_size: 'train.x=4'}"], "but got train.x"),
        (["hydra.sweeper.enqueue=[{train.batch_size: 9}]"], "must lie in the space, but got train.batch_size=9"),
        (["hydra.sweeper.warm_start=nope"], "hydra.sweeper.warm_start must name a study, but got nope"),
        (["hydra.sweeper.repeats=maybe"], "hydra.sweeper.repeats must be true or false, but got maybe"),
        (["sampler=random", "train.learning_rate=interval(0.1, 0.2)"], "study.n_trials must be given for a space with"),
    ],
)
def test_searches_that_make_no_sense_are_refused_before_anything_is_written(
    typed: Typed, task_folder: Path, workdir: Path, more: list[str], message: str
) -> None:
    result = typed(*arguments(task_folder, "sweep=grid", "train.batch_size=choice(8, 30)", *more))
    assert result.status == 2, result.err
    assert message in result.err
    assert not (workdir / "sweeps").exists()


def test_wilcoxon_prunes_a_recipe_that_destroys_the_model(typed: Typed, task_folder: Path) -> None:
    space = ["train.learning_rate=choice(5e-5, 1.0)", "train.batch_size=8", "eval.every=1", "loss=plain", *FIXED]
    result = typed(*arguments(task_folder, "sweep=grid", "pruner=wilcoxon", "train.epochs=1", *space))
    assert result.status == 0, result.err
    assert {entry["params"]["train.learning_rate"]: entry["state"] for entry in result.json["trials"]} == {
        5e-5: "complete",
        1.0: "pruned",
    }


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_space_that_is_used_up_before_the_total_is_said(
    typed: Typed, task_folder: Path, workdir: Path, workers: int
) -> None:
    space = ["train.seed=range(1, 15000)", "train.batch_size=30", "train.learning_rate=1e-4", *FIXED]
    rules = ["hydra.sweeper.constraints=['train.seed <= 4']", "study.n_trials=6", f"study.workers={workers}"]
    result = typed(*arguments(task_folder, "sweep=grid", "sampler=random", *space, *rules))
    assert result.status == 1, result.err
    assert "SpaceUsedUp: study.n_trials=6 must be within the space of study s, but after" in result.err
    assert "died" not in result.err
    study = load_study(StudyPaths(workdir / "sweeps" / "s"))
    assert study is not None
    seeds = [record.params["train.seed"] for record in archive.read_records(study.paths)]
    assert 1 <= len(seeds) == len(set(seeds)) <= 4
    assert max(seeds) <= 4
    assert states(study)[State.RUNNING] == states(study)[State.WAITING] == 0


@pytest.mark.slow
def test_grid_over_two_workers_one_of_them_killed(typed: Typed, task_folder: Path, workdir: Path) -> None:
    line = grid(task_folder, "study.workers=2")
    process = subprocess.Popen([sys.executable, "-m", "embedtune", *line], stdout=subprocess.PIPE, text=True)
    study = StudyPaths(workdir / "sweeps" / "s")
    deadline = time.monotonic() + 240
    while not study.trial(1).header.is_file():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    record = archive.read_record(study, 1)
    assert record is not None
    os.kill(int(record.facts["worker"].split(":")[1]), signal.SIGKILL)
    out, _ = process.communicate(timeout=300)
    board = json.loads(out)
    assert board["states"]["complete"] == board["n_trials"] == 4
    assert len({tuple(entry["params"].items()) for entry in board["trials"]}) == 4
