"""Adapters through the real command line: trained, evaluated, searched beside full training, released as a whole."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import SentenceTransformer

from embedtune.config.grammar import quote

Typed = Callable[..., Any]


def line(task_folder: Path, *more: str) -> list[str]:
    usual = ["model=tiny", "train.epochs=1", "train.batch_size=10", "tracking.enabled=false", "study.name=s"]
    return ["data=files", f"data.path={quote(str(task_folder))}", *usual, "format=json", *more]


def test_a_study_of_both_is_released_as_a_whole_model(
    typed: Typed, task_folder: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["-m", "sweep=random", "hydra.sweeper.params=null", "study.n_trials=2", "study.keep=2"]
    words += ["train=choice(default, lora)", "train.learning_rate=1e-2"]
    study = typed(*line(task_folder, *words))
    assert study.status == 0, study.err
    assert {entry["params"]["train"] for entry in study.json["trials"]} == {"default", "lora"}
    (number,) = [entry["number"] for entry in study.json["trials"] if entry["params"]["train"] == "lora"]
    trial = workdir / f"sweeps/s/trials/{number:04d}"
    facts = json.loads((trial / "result.json").read_text())["facts"]
    assert 0 < facts["trained_parameters"] < facts["parameters"] / 2

    again = typed("evaluate", f"run={trial}", "tracking.enabled=false", "format=json")
    assert again.status == 0, again.err
    recorded = json.loads((trial / "result.json").read_text())["metrics"]["64"]
    assert again.json["dims"]["64"] == pytest.approx(recorded, abs=1e-6)

    released = typed(
        "release", "study.name=s", "tracking.enabled=false", "release.gate=false", f"release.trial={number}",
        "release.name=whole",
    )  # fmt: skip
    assert released.status == 0, released.err
    folder = workdir / "releases/whole"
    assert not list(folder.glob("adapter*"))
    monkeypatch.setitem(sys.modules, "peft", None)
    assert SentenceTransformer(str(folder), device="cpu").encode(["a text"]).shape == (1, 64)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("train.lora.r=0", "train.lora.r must be at least 1"),
        ("train.lora.targets=[]", "train.lora.targets must name at least one layer"),
        ("train.lora.targets=[q_proj]", "train.lora.targets must name linear layers of the model, but got q_proj"),
        ("train.lora.dropout=1", "train.lora.dropout must be at least 0 and below 1"),
        ("train.lora.alpha=0", "train.lora.alpha must be at least 1"),
    ],
)
def test_wrong_values_fail_before_anything_is_trained(
    typed: Typed, task_folder: Path, workdir: Path, word: str, said: str
) -> None:
    result = typed(*line(task_folder, "train=lora", word))
    assert result.status == 2
    assert said in result.err
    assert not (workdir / "sweeps/s/trials").exists()


def test_without_peft_it_says_what_to_install(typed: Typed, task_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedtune.config.rules.training.find_spec", lambda _: None)
    result = typed(*line(task_folder, "train=lora"))
    assert result.status == 2
    assert "pip install 'embedtune[lora]'" in result.err
