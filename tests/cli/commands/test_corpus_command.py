"""A part of the corpus for the trials of a study, through the real command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from beir import write_beir
from embedtune.records import RetrievalSet

Typed = Callable[..., Any]
QUICK = ("model=tiny", "train.epochs=1", "train.batch_size=10", "tracking.enabled=false", "format=json")
JUDGED, WHOLE = 10, 40


@pytest.fixture
def data(workdir: Path, small_set: RetrievalSet) -> tuple[str, str]:
    """The small task as BEIR, with thirty passages more that answer nothing."""
    others = {f"x{number}": f"Nothing is said here about {number} things." for number in range(WHOLE - JUDGED)}
    folder = write_beir(workdir / "large", small_set, others)
    return "data=files", f"data.path='{folder}'"


def facts(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))["facts"]
    return found


def test_trials_search_a_part_that_is_drawn_once_and_the_rest_of_the_commands_know(
    typed: Typed, data: tuple[str, str], workdir: Path
) -> None:
    words = ("study.name=s", "eval.corpus=12", "study.workers=0", *data, *QUICK)
    result = typed("-m", "sweep=random", "study.n_trials=1", *words)
    assert result.status == 0, result.err
    study = workdir / "sweeps" / "s"
    (drawn,) = study.glob("prepared/corpus-*.json")
    passages = json.loads(drawn.read_text(encoding="utf-8"))["made"]
    assert len(passages) == 12
    assert {"d0", "d1"} <= set(passages)
    trial = facts(study / "trials" / "0000")
    assert (trial["corpus_passages"], trial["corpus_whole"]) == (12, WHOLE)
    assert facts(study / "baseline")["corpus_digest"] == trial["corpus_digest"]
    assert yaml.safe_load((study / "study.yaml").read_text(encoding="utf-8"))["recipe"]["eval"]["corpus"] == 12

    before = drawn.stat().st_mtime_ns
    assert typed("-m", "sweep=random", "study.n_trials=2", *words).status == 0
    assert drawn.stat().st_mtime_ns == before
    assert facts(study / "trials" / "0001")["corpus_digest"] == trial["corpus_digest"]
    changed = typed("-m", "sweep=random", "study.n_trials=2", *words, "eval.corpus=13")
    assert changed.status == 2
    assert "recipe.eval.corpus was 12, now 13" in changed.err

    run = f"run='{study / 'trials' / '0000'}'"
    assert typed("evaluate", run, "format=json").json["data"]["corpus"] == WHOLE
    again = typed("reproduce", run, "format=json")
    assert again.status == 0, again.err
    released = typed("release", "study.name=s", "release.gate=false", "release.name=out", "format=json",
                     "tracking.enabled=false")  # fmt: skip
    assert released.status == 0, released.err
    card = (workdir / "releases" / "out" / "README.md").read_text(encoding="utf-8")
    assert "12 of 40 passages" in card

    drawn.write_text(json.dumps({"made": [*passages[:-1], "x29" if passages[-1] != "x29" else "x28"]}), "utf-8")
    other = typed("release", "study.name=s", "release.gate=false", "release.name=other", "format=json")
    assert other.status == 2
    assert "eval.corpus=12 must be the passages that the study's trials were judged on" in other.err


def test_single_runs_share_one_corpus(typed: Typed, data: tuple[str, str], workdir: Path) -> None:
    words = ("study.name=runs", "eval.corpus=12", *data, *QUICK)
    assert typed(*words).status == 0
    assert typed(*words, "train.seed=7").status == 0
    trials = [facts(workdir / "sweeps" / "runs" / "trials" / name)["corpus_digest"] for name in ("0000", "0001")]
    assert len(set(trials)) == 1
    whole = typed(*words, "eval.corpus=null")
    assert whole.status == 2
    assert "recipe.eval.corpus was 12, now None" in whole.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("eval.corpus=0",), "eval.corpus must be a number of passages or null, but got 0."),
        (("eval.corpus=1",), "eval.corpus must be at least 2, the judged passages of the validation split, but got 1."),
        (("eval.corpus=12", "eval.folds=2"), "eval.folds must be 0 with eval.corpus, but got 2."),
        (("eval.corpus=many",), "eval.corpus"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is_written(
    typed: Typed, data: tuple[str, str], workdir: Path, words: tuple[str, ...], said: str
) -> None:
    result = typed(*words, *data, *QUICK)
    assert result.status == 2
    assert said in result.err
    assert not (workdir / "sweeps").exists()


def test_a_corpus_that_is_small_enough_is_searched_whole(typed: Typed, data: tuple[str, str], workdir: Path) -> None:
    result = typed("study.name=runs", f"eval.corpus={WHOLE}", *data, *QUICK)
    assert result.status == 0, result.err
    assert "corpus_digest" not in facts(workdir / "sweeps" / "runs" / "trials" / "0000")
    assert not list((workdir / "sweeps" / "runs").glob("prepared/*"))
