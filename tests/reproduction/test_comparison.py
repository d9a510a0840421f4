"""Two records of one trial, compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from embedtune.records import Evaluation, State, TrainingFacts, TrialRecord
from embedtune.reproduction.comparison import Comparison, compare_facts, compare_models, compare_scores
from embedtune.reproduction.run import max_difference


def evaluation(step: int, **values: float) -> Evaluation:
    metrics = {"64": {name: value for name, value in values.items()}}
    return Evaluation(step=step, epoch=1.0, value=0.0, metrics=metrics, seconds=0.0, timestamp=step)


def record(**facts: Any) -> TrialRecord:
    return TrialRecord("s", 0, State.COMPLETE, facts=facts)


def comparison(weights: float | None = None, unmatched: tuple[int, ...] = (), **scores: float) -> Comparison:
    return Comparison((), {"64": scores}, unmatched, weights)


def test_the_largest_deviation_of_a_score_counts_with_its_sign() -> None:
    recorded = [evaluation(1, map=0.5, ndcg=0.5), evaluation(2, map=0.75, ndcg=0.5)]
    again = [evaluation(1, map=0.5, ndcg=0.5), evaluation(2, map=0.25, ndcg=0.5)]
    assert compare_scores(recorded, again) == ({"64": {"map": -0.5, "ndcg": 0.0}}, ())


def test_steps_of_one_side_only_are_named() -> None:
    deviations, unmatched = compare_scores([evaluation(1, map=0.5), evaluation(2, map=1.0)], [evaluation(1, map=0.5)])
    assert (deviations, unmatched) == ({"64": {"map": 0.0}}, (2,))
    assert comparison(unmatched=unmatched, map=0.0).max_deviation == math.inf
    assert compare_scores([], []) == ({}, ())
    assert not Comparison((), {}, (), None).is_equal


@pytest.mark.parametrize("again", [math.nan, None])
def test_a_score_that_is_gone_is_infinitely_far(again: float | None) -> None:
    values = {} if again is None else {"map": again}
    deviations, _ = compare_scores([evaluation(1, map=0.5)], [evaluation(1, **values)])
    assert deviations["64"]["map"] == math.inf


def test_equal_means_every_score_and_every_weight() -> None:
    assert comparison(map=0.0).is_equal
    assert comparison(weights=0.0, map=0.0).is_equal
    assert not comparison(weights=1e-12, map=0.0).is_equal
    assert comparison(weights=0.25, map=-0.5).max_deviation == 0.5


@given(st.dictionaries(st.integers(1, 5), st.floats(0, 1), max_size=4))
def test_a_trial_equals_itself(values: Mapping[int, float]) -> None:
    found = [evaluation(step, map=value) for step, value in values.items()]
    deviations, unmatched = compare_scores(found, found)
    assert not unmatched
    assert all(value == 0 for metrics in deviations.values() for value in metrics.values())


def test_what_changed_is_told_one_by_one() -> None:
    before = record(
        device="cpu", git_revision="a" * 60, versions={"torch": "2.1", "numpy": "2"}, digests={"train": "x"}
    )
    now = record(device="cpu", git_revision="b", versions={"torch": "2.2", "numpy": "2"}, digests={"train": "x"}, x=1)
    assert [str(difference) for difference in compare_facts(before, now)] == [
        "git_revision: recorded aaaaaaaaaaaa..., now b",
        "versions.torch: recorded 2.1, now 2.2",
    ]


def test_what_an_older_version_did_not_record_is_no_difference() -> None:
    assert compare_facts(record(device="cpu"), record(device="cpu", threads=2)) == []
    (found,) = compare_facts(record(versions={}), record(versions={"torch": "2"}))
    assert str(found) == "versions.torch: recorded nothing, now 2"


def test_base_models_differ_by_revision(training_facts: TrainingFacts) -> None:
    (found,) = compare_models(training_facts, replace(training_facts, base_revision="abc"))
    assert (found.what, found.recorded, found.now) == ("base_revision", None, "abc")
    assert compare_models(None, training_facts) == []


def test_weights_are_compared_tensor_by_tensor(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        (folder / "2_Dense").mkdir(parents=True)
        save_file({"w": np.ones((2, 2), np.float32)}, folder / "model.safetensors")
        save_file({"b": np.zeros(3, np.float32)}, folder / "2_Dense" / "model.safetensors")
    assert max_difference(one, other) == 0
    save_file({"b": np.array([0, 0, -0.25], np.float32)}, other / "2_Dense" / "model.safetensors")
    assert max_difference(one, other) == 0.25
    save_file({"b": np.array([0, 0, np.nan], np.float32)}, other / "2_Dense" / "model.safetensors")
    assert max_difference(one, other) == math.inf
    save_file({"b": np.zeros(4, np.float32)}, other / "2_Dense" / "model.safetensors")
    assert max_difference(one, other) == math.inf
    (other / "2_Dense" / "model.safetensors").unlink()
    assert max_difference(one, other) == math.inf
