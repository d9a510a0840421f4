"""The decision of a release: in lines for people, and kept with its study."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from embedtune import archive
from embedtune.cli.commands.decision import verdict_lines
from embedtune.paths import StudyPaths
from embedtune.records import Opening, Synthetic, opened_again
from embedtune.release.choice.candidates import Candidate, Kind, Pool
from embedtune.release.choice.selection import named
from embedtune.release.gate import gate
from embedtune.release.gate.decision import Decision, stand
from embedtune.release.gate.gate import Scores
from embedtune.statistics import Criterion

SCORES = np.linspace(0.2, 0.8, 20)
CRITERION = Criterion(resamples=100)


def judge(chosen: Scores, untuned: Scores, groups: NDArray[np.intp], **more: Any) -> gate.Verdict:
    """Against one untuned model."""
    return gate.judge(chosen, {"untuned model": untuned}, groups, **more)


def decision(chosen_on: str, judged_on: str, openings: int = 0) -> Decision:
    trial = Candidate("trial 0", Kind.TRIAL, SCORES, 384, numbers=(0,), folder=Path("/0"))
    groups = np.arange(len(SCORES))
    return Decision(
        objective="cosine_map@100",
        dim=64,
        criterion=CRITERION,
        gated=False,
        standings=stand(Pool((trial,), {0: SCORES}, groups, chosen_on), CRITERION),
        chosen_on=chosen_on,
        selection=named(trial),
        judged_on=judged_on,
        verdict=judge(SCORES, SCORES / 2, groups, criterion=CRITERION),
        sizes=None,
        openings=(Opening(1, "release s"),) * openings,
        time=1,
    )


@pytest.mark.parametrize(("chosen_on", "judge"), [("validation", "the scores that chose it"), ("folds", "validation")])
def test_without_a_test_split_it_says_what_judged(chosen_on: str, judge: str) -> None:
    last = verdict_lines(decision(chosen_on, "validation"))[-1].strip()

    assert last == f"Without a test split this was judged on {judge}, corrected for every trial."


def test_a_test_split_that_was_read_again_is_told() -> None:
    assert verdict_lines(decision("validation", "test", 2))[-1].strip() == opened_again(2)
    assert len(verdict_lines(decision("validation", "test", 1))) == 3  # what, the verdict, its reason


def test_a_decision_on_synthetic_queries_says_so() -> None:
    synthetic = Synthetic("extract", None, ("validation", "test"))
    own = replace(decision("validation", "test"), synthetic=synthetic)
    assert verdict_lines(own)[-1].strip() == synthetic.sentence
    assert own.to_dict()["synthetic"] == synthetic.to_dict()
    assert "synthetic" not in decision("validation", "test").to_dict()


def test_decisions_are_numbered_on_and_never_overwritten(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    paths = [archive.record_decision(study, {"number": number}) for number in range(2)]
    assert [path.name for path in paths] == ["0001.json", "0002.json"]

    paths[0].unlink()
    assert archive.record_decision(study, {"number": 2}).name == "0003.json"
    assert json.loads(paths[1].read_text()) == {"number": 1}


def test_decisions_of_several_at_once_are_all_kept(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda number: archive.record_decision(study, {"number": number}), range(40)))

    assert len(set(paths)) == 40
    assert sorted(json.loads(path.read_text())["number"] for path in paths) == list(range(40))
