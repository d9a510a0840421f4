"""Learning rates that come with the base model, in a single run and in a sweep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedtune import archive, load_study
from families import family

Typed = Callable[..., Any]
QUICK = ("train.epochs=1", "train.batch_size=15", "loss=plain", "tracking.enabled=false", "study.name=s", "format=json")
STATIC = ("model=static_retrieval", "model.name=words", "model.revision=null")


@pytest.fixture
def where(task_folder: Path, workdir: Path) -> tuple[str, ...]:
    """A static model in a folder, and the small task."""
    family("static", {}, workdir / "words")
    return ("data=files", f"data.path='{task_folder}'", "study.workers=0")


def test_a_single_run_takes_the_rate_of_its_model_unless_one_is_typed(
    typed: Typed, where: tuple[str, ...], workdir: Path
) -> None:
    assert typed(*STATIC, *QUICK, *where).status == 0
    assert typed(*STATIC, *QUICK, *where, "train.learning_rate=1e-3").status == 0
    study = load_study("s", workdir / "sweeps").paths
    configs = [archive.read_config(study.trial(number)) for number in (0, 1)]
    assert [config and config["train"]["learning_rate"] for config in configs] == [2e-2, 1e-3]


@pytest.mark.parametrize(
    ("sweep", "text"), [("optuna", "tag(log, interval(1e-3, 3e-1))"), ("grid", "choice(6e-3, 2e-2, 6e-2)")]
)
def test_a_sweep_searches_the_rates_of_its_model(
    typed: Typed, where: tuple[str, ...], workdir: Path, sweep: str, text: str
) -> None:
    fixed = ("train.batch_size=15", "train.epochs=1", "study.n_trials=1")
    result = typed("-m", f"sweep={sweep}", *STATIC, *QUICK, *where, *fixed)
    assert result.status == 0, result.err
    loaded = load_study("s", workdir / "sweeps")
    assert loaded.definition.search.space["train.learning_rate"] == text
    assert loaded.trials[0].params["train.learning_rate"] == 2e-2


def test_models_with_other_rates_are_searched_with_a_typed_range_alone(
    typed: Typed, where: tuple[str, ...], workdir: Path
) -> None:
    result = typed("-m", "sweep=optuna", "model=choice(tiny, static_retrieval)", *QUICK, *where)
    assert result.status == 2
    assert "train.learning_rate must be searched in one range, but what is trained learns in different" in result.err
    adapters = typed("-m", "sweep=optuna", "model=tiny", "train=choice(default, lora)", *QUICK, *where)
    assert adapters.status == 2
    assert "lora in tag(log, interval(5e-5, 1e-3))" in adapters.err
    searched = typed("-m", "sweep=optuna", *STATIC, *QUICK, *where, "model.learning_rates.default=choice(1e-3, 1e-2)")
    assert searched.status == 2
    assert "Search train.learning_rate." in searched.err
    odd = typed(*STATIC, *QUICK, *where, "model.learning_rates.search=fast")
    assert odd.status == 2
    assert "model.learning_rates.search must be a sweep, but got fast" in odd.err
    assert not (workdir / "sweeps").exists()
