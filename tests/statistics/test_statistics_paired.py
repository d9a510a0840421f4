from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtune.errors import EmbedtuneError
from embedtune.statistics import Criterion, Interval, compare

TWENTY = np.arange(20)
SCORES = st.lists(st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 1.0]), min_size=8, max_size=8)


def noisy(seed: int = 0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.6 + shift, 0.1, 20)


def test_comparison_describes_the_differences() -> None:
    reference, candidate = noisy(), noisy(1, 0.05)
    difference = candidate - reference
    found = compare({"a": candidate}, reference, TWENTY)["a"]

    assert found.mean == pytest.approx(difference.mean())
    assert found.deviation == pytest.approx(difference.std(ddof=1))
    assert found.effect_size == pytest.approx(difference.mean() / difference.std(ddof=1))
    assert found.design_effect == pytest.approx(1)
    assert (found.queries, found.groups, found.margin) == (20, 20, 0)
    assert found.interval.low < found.mean < found.interval.high
    assert found.adjusted_p == found.p_value


def test_what_queries_share_cancels_out() -> None:
    hard = np.random.default_rng(2).normal(0, 10, 20)
    plain, shared = (compare({"a": noisy(1) + shift}, noisy() + shift, TWENTY)["a"] for shift in (0, hard))

    assert shared.p_value == plain.p_value
    assert shared.interval.low == pytest.approx(plain.interval.low)


def test_candidates_are_adjusted_for_each_other() -> None:
    candidates = {str(seed): noisy(seed) for seed in range(1, 11)}
    together = compare(candidates, noisy(), TWENTY)
    best = max(candidates, key=lambda name: together[name].mean)
    alone = compare({best: candidates[best]}, noisy(), TWENTY)[best]

    assert list(together) == list(candidates)
    assert together[best].p_value == pytest.approx(alone.p_value, abs=0.01)
    assert together[best].adjusted_p > 2 * alone.p_value
    assert together[best].interval == alone.interval


def test_margin_forgives_a_small_loss() -> None:
    reference = noisy()
    candidate = reference - 0.005 + np.random.default_rng(1).normal(0, 0.01, 20)
    criteria = (Criterion(margin=margin) for margin in (0, 0.02))
    strict, lenient = (compare({"a": candidate}, reference, TWENTY, criterion)["a"] for criterion in criteria)

    assert strict.p_value > 0.5
    assert lenient.p_value < 0.01
    assert (lenient.margin, lenient.mean, lenient.interval) == (0.02, strict.mean, strict.interval)


def test_queries_of_a_group_count_once() -> None:
    reference, candidate = np.repeat(noisy(), 5), np.repeat(noisy(1, 0.05), 5)
    grouped = compare({"a": candidate}, reference, np.repeat(TWENTY, 5))["a"]
    single = compare({"a": noisy(1, 0.05)}, noisy(), TWENTY)["a"]

    assert grouped.p_value == single.p_value
    assert grouped.interval.low == pytest.approx(single.interval.low)
    assert (grouped.queries, grouped.groups) == (100, 20)
    assert grouped.design_effect == pytest.approx(5 * 99 / 95)


def test_equal_models_are_no_better() -> None:
    found = compare({"a": noisy(), "b": noisy()}, noisy(), TWENTY)

    for comparison in found.values():
        assert (comparison.mean, comparison.p_value, comparison.adjusted_p, comparison.effect_size) == (0, 1, 1, 0)
        assert comparison.interval == Interval(0, 0, 0.95)


def test_one_query() -> None:
    found = compare({"better": np.array([0.9]), "equal": np.array([0.5])}, np.array([0.5]), np.array([0]))

    assert found["better"].p_value == 0.5
    assert found["better"].interval == Interval(-1, 1, 0.95)
    assert found["better"].effect_size == math.inf
    assert (found["equal"].p_value, found["equal"].interval) == (1, Interval(0, 0, 0.95))


def test_one_group_of_several_queries() -> None:
    found = compare({"a": noisy(1, 0.5)}, noisy(), np.zeros(20, int))["a"]

    assert (found.p_value, found.groups, found.design_effect) == (0.5, 1, 1)
    assert found.interval == Interval(-1, 1, 0.95)


def test_no_candidates_no_comparisons() -> None:
    assert compare({}, noisy(), TWENTY) == {}


def test_the_same_seed_gives_the_same_answer() -> None:
    criteria = (Criterion(resamples=999, seed=seed) for seed in (0, 0, 1))
    first, same, other = (compare({"a": noisy(1)}, noisy(), TWENTY, criterion) for criterion in criteria)

    assert first == same
    assert first != other


@given(SCORES, SCORES)
def test_comparison_is_one_sided_and_antisymmetric(candidate: list[float], reference: list[float]) -> None:
    left, right, groups = np.array(candidate), np.array(reference), np.array([0, 0, 1, 2, 3, 3, 4, 5])
    better = compare({"a": left}, right, groups, Criterion(resamples=64))["a"]
    worse = compare({"a": right}, left, groups, Criterion(resamples=64))["a"]

    assert better.mean == pytest.approx(-worse.mean)
    assert better.p_value + worse.p_value >= 1  # both count the ties
    assert better.interval.low <= better.mean + 1e-9
    assert better.interval.high >= better.mean - 1e-9


@pytest.mark.parametrize(
    ("candidate", "reference", "message"),
    [
        ([0.1, np.nan], [0.1, 0.2], "scores of a must be finite"),
        ([0.1, 0.2], [np.inf, 0.2], "scores of the reference must be finite"),
        ([0.1], [0.1, 0.2], "scores of a must be 2"),
        ([0.1, 0.2], [0.1, 0.2, 0.3], "scores of the reference must be 2"),
    ],
)
def test_broken_scores_are_refused(candidate: list[float], reference: list[float], message: str) -> None:
    with pytest.raises(EmbedtuneError, match=message):
        compare({"a": np.array(candidate)}, np.array(reference), np.arange(2))
