from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.records import Evaluation, Objective
from embedtune.tracking.names import at_dim, best_of, rounded, short, trial_points

OBJECTIVE = Objective("cosine_map@100", 384)


def evaluation(step: int, value: float, **changes: object) -> Evaluation:
    names = ("map@100", "ndcg@10", "mrr@10", "recall@10", "accuracy@1", "recall@5")
    scores = {f"{kind}_{name}": value + 0.0001 for kind in ("cosine", "dot") for name in names}
    metrics = {"384": scores | {"cosine_map@100": value}, "64": scores | {"cosine_map@100": value - 0.1}}
    made = Evaluation(step, step / 10, value, metrics, 1.0, 1000 + step, loss=0.1234567, learning_rate=5e-5)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "name"),
    [("cosine_map@100", "map_at_100"), ("dot_map@100", "dot_map_at_100"), ("cosine_accuracy@1", "accuracy_at_1")],
)
def test_short_drops_cosine_only_and_the_at_sign(metric: str, name: str) -> None:
    assert short(metric) == name


def test_sections_sort_by_size_as_text() -> None:
    names = [at_dim("cosine_map@100", dim) for dim in (32, 64, 384, 1024)]
    assert names == sorted(names)


def test_points_begin_with_the_headline_in_the_order_people_read() -> None:
    keys = [point.key for point in trial_points([evaluation(10, 0.5)], OBJECTIVE)]
    assert keys[:8] == [
        "best/map_at_100",
        "best/epoch",
        "best/ndcg_at_10",
        "best/mrr_at_10",
        "best/recall_at_10",
        "best/accuracy_at_1",
        "best/map_at_100_dim0064",
        "dim0384/map_at_100",
    ]
    assert keys[-2:] == ["train/loss", "train/learning_rate"]
    assert not [key for key in keys if "dot" in key or "@" in key]
    assert len(keys) == len(set(keys)) == 6 + 1 + 2 * 5 + 2


def test_best_keeps_one_evaluation_whole_when_a_later_one_is_worse() -> None:
    points = trial_points([evaluation(10, 0.5), evaluation(20, 0.4)], OBJECTIVE)
    last = {point.key: point.value for point in points if point.step == 20}
    assert (last["best/map_at_100"], last["best/epoch"], last["best/map_at_100_dim0064"]) == (0.5, 1.0, 0.4)
    assert last["dim0384/map_at_100"] == 0.4


def test_best_of_equal_values_is_the_first() -> None:
    assert best_of([evaluation(10, 0.5), evaluation(20, 0.5)]).step == 10


def test_best_of_skips_what_is_not_a_number() -> None:
    assert best_of([evaluation(10, math.nan), evaluation(20, 0.1)]).step == 20


def test_headline_of_another_objective_at_another_dimension() -> None:
    made = evaluation(10, 0.7)
    keys = [point.key for point in trial_points([made], Objective("dot_recall@5", 64))]
    assert keys[0] == "best/dot_recall_at_5"
    assert "best/map_at_100" in keys
    assert "best/dot_recall_at_5_dim0384" in keys
    assert "best/dot_recall_at_5_dim0064" not in keys


def test_an_untrained_model_has_no_training_metrics() -> None:
    keys = {point.key for point in trial_points([evaluation(0, 0.5, loss=None, learning_rate=None)], OBJECTIVE)}
    assert not [key for key in keys if key.startswith("train/")]


def test_values_have_five_digits_and_small_rates_survive() -> None:
    points = {point.key: point.value for point in trial_points([evaluation(10, 0.80194702628)], OBJECTIVE)}
    assert points["best/map_at_100"] == 0.80195
    assert points["train/learning_rate"] == 5e-5
    assert points["train/loss"] == 0.12346


def test_no_evaluations_no_points() -> None:
    assert trial_points([], OBJECTIVE) == ()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.integers(0, 6))
def test_skipping_delivered_evaluations_gives_the_rest_of_the_same_points(values: list[float], skip: int) -> None:
    evaluations = [evaluation(10 * (i + 1), value) for i, value in enumerate(values)]
    whole = trial_points(evaluations, OBJECTIVE)
    first = trial_points(evaluations[:skip], OBJECTIVE)
    assert first + trial_points(evaluations, OBJECTIVE, skip=skip) == whole


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_the_best_curve_never_falls(values: list[float]) -> None:
    points = trial_points([evaluation(i + 1, value) for i, value in enumerate(values)], OBJECTIVE)
    curve = [point.value for point in points if point.key == "best/map_at_100"]
    assert curve == sorted(curve)
    assert curve[-1] == rounded(max(values))
