"""The space of losses, negatives and batches through the real command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from embedtune.config.grammar import quote

Typed = Callable[..., Any]


def line(task_folder: Path, *more: str) -> list[str]:
    usual = ["-m", "sweep=recipe", "model=tiny", "tracking.enabled=false", "study.name=s", "study.n_trials=3"]
    return ["data=files", f"data.path={quote(str(task_folder))}", *usual, "format=json", *more]


def test_trial_0_is_the_default_recipe_and_the_others_are_of_the_space(typed: Typed, task_folder: Path) -> None:
    study = typed(*line(task_folder, "train.epochs=choice(1, 5)"))
    assert study.status == 0, study.err
    trials = {entry["number"]: entry["params"] for entry in study.json["trials"]}
    first = trials[min(trials)]
    assert (first["loss.name"], first["train.negatives.count"], first["train.batch_size"]) == ("mnrl", 0, 20)
    for params in trials.values():
        assert ("loss.hardness" in params) == ("train.negatives.count" in params) == (params["loss.name"] == "mnrl")


def test_a_value_typed_for_a_key_takes_its_condition_away(typed: Typed, task_folder: Path) -> None:
    words = ["loss.name=mnrl", "loss.hardness=5", "train.negatives.count=1", "train.epochs=1"]
    study = typed(*line(task_folder, *words))
    assert study.status == 0, study.err
    assert not {"loss.hardness", "train.negatives.count"} & set(study.json["trials"][0]["params"])
