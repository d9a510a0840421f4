"""The decision of a release: in lines for people, and kept with its study."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from embedtune import archive
from embedtune.cli.commands.decision import verdict_lines
from embedtune.paths import StudyPaths
from embedtune.records import opened_again


def decision(chosen_on: str, judged_on: str, openings: int = 0) -> dict[str, Any]:
    return {
        "verdict": "promote",
        "gated": True,
        "reasons": [],
        "chosen": {"name": "trial 0"},
        "selection": {"split": chosen_on, "reason": "trial 0 is best"},
        "comparisons": [{"split": judged_on}],
        "openings": [{}] * openings,
    }


@pytest.mark.parametrize(("chosen_on", "judge"), [("validation", "the scores that chose it"), ("folds", "validation")])
def test_without_a_test_split_it_says_what_judged(chosen_on: str, judge: str) -> None:
    last = verdict_lines(decision(chosen_on, "validation"))[-1].strip()

    assert last == f"Without a test split this was judged on {judge}, corrected for every trial."


def test_a_test_split_that_was_read_again_is_told() -> None:
    assert verdict_lines(decision("validation", "test", 2))[-1].strip() == opened_again(2)
    assert len(verdict_lines(decision("validation", "test", 1))) == 2


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
