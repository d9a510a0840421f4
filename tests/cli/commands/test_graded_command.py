"""Cutoffs, gains and thresholds through the real command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beir import write_beir
from embedtune.records import RetrievalSet

Typed = Callable[..., Any]
QUICK = ("model=tiny", "train.epochs=1", "train.batch_size=10", "tracking.enabled=false", "study.name=s", "format=json")


@pytest.fixture
def graded(workdir: Path, small_set: RetrievalSet) -> Path:
    """The small task as BEIR, its first query with grades."""
    return write_beir(workdir / "graded", small_set, grade=lambda passage: 2 if passage == "d0" else 1)


def test_an_objective_at_another_cutoff_is_measured_searched_and_released(typed: Typed, graded: Path) -> None:
    data = ("data=files", f"data.path='{graded}'")
    words = ("eval.objective=cosine_recall@2", "eval.cutoffs=[20]", "eval.gain=exponential")
    result = typed("-m", "sweep=random", "study.n_trials=2", "study.workers=0", *QUICK, *data, *words)
    assert result.status == 0, result.err
    best = result.json["trials"][0]
    metrics = best["metrics"]["64"]
    assert best["value"] == metrics["cosine_recall@2"]
    assert {"dot_recall@20", "cosine_ndcg@20", "cosine_map@2", "cosine_map@100"} <= set(metrics)
    released = typed(
        "release", "study.name=s", "release.gate=false", "tracking.enabled=false", "release.name=out", "format=json"
    )
    assert released.status == 0, released.err
    card = (graded.parent / "releases" / "out" / "README.md").read_text(encoding="utf-8")
    assert "cosine_recall@20" in card
    again = typed("evaluate", *data, "model=tiny", "eval.split=validation", "eval.cutoffs=[3,7]", "format=json")
    assert again.status == 0, again.err
    assert {"cosine_ndcg@3", "cosine_recall@7"} <= set(again.json["dims"]["64"])


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("eval.objective=cosine_recall@0", "eval.objective must be cosine_ or dot_, one of accuracy"),
        ("eval.objective=cosine_recall@2000", "eval.objective must be cosine_ or dot_, one of accuracy"),
        ("eval.cutoffs=[0]", "eval.cutoffs must be different whole numbers from 1 to 1000, but got [0]."),
        ("eval.cutoffs=[5,5]", "eval.cutoffs must be different whole numbers from 1 to 1000, but got [5, 5]."),
        ("eval.cutoffs=[a]", "eval.cutoffs"),
        ("eval.gain=cubic", "eval.gain"),
        ("data.relevant_from=0", "data.relevant_from must be a grade above 0, but got 0.0."),
        ("data.relevant_from=9", "without an answer"),
    ],
)
def test_wrong_values_fail_before_training(typed: Typed, graded: Path, word: str, said: str) -> None:
    result = typed("data=files", f"data.path='{graded}'", *QUICK, word)
    assert result.status == 2
    assert said in result.err
    assert "Traceback" not in result.err
