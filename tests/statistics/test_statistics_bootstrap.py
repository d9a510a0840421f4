from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtune.errors import EmbedtuneError
from embedtune.statistics import Interval, mean_interval, standard_error

SCORES = st.lists(st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 1.0]), min_size=2, max_size=12)
PAIRS = np.repeat(np.arange(30), 2)


def reciprocal_ranks(random: np.random.Generator, groups: np.ndarray) -> np.ndarray:
    """Skewed scores that resemble each other within a group; their mean is 0.7646, by 10^7 draws."""
    strength = random.normal(0.5, 1, len(groups)) + random.normal(0, 1, groups.max() + 1)[groups]
    return 1 / np.maximum(1, np.ceil(np.exp(-strength)))


def test_standard_error_of_single_queries_is_the_textbook_one() -> None:
    scores = np.random.default_rng(0).random(40)

    assert standard_error(scores, np.arange(40)) == pytest.approx(scores.std(ddof=1) / math.sqrt(40))


def test_standard_error_counts_copies_once() -> None:
    scores = np.random.default_rng(0).random(40)
    copies, groups = np.repeat(scores, 3), np.repeat(np.arange(40), 3)

    assert standard_error(copies, groups) == pytest.approx(standard_error(scores, np.arange(40)))
    assert standard_error(copies, np.arange(120)) < 0.6 * standard_error(copies, groups)


def test_standard_error_of_unequal_groups() -> None:
    # Mean 0.5, residuals of the groups' sums -0.5, 0.5, 0: sqrt(3 / 2 * 0.5) / 4.
    assert standard_error(np.array([0, 1, 0.5, 0.5]), np.array([0, 1, 2, 2])) == pytest.approx(math.sqrt(0.75) / 4)


def test_one_group_says_nothing() -> None:
    assert standard_error(np.array([0.2, 0.4]), np.array([3, 3])) == math.inf
    assert mean_interval(np.array([0.2]), np.array([0])) == Interval(0, 1, 0.95)
    assert mean_interval(np.array([0.2, 0.4]), np.array([3, 3]), level=0.9) == Interval(0, 1, 0.9)


def test_interval_of_equal_scores_is_a_point() -> None:
    interval = mean_interval(np.full(20, 0.3), np.arange(20), resamples=100)

    assert (interval.low, interval.high) == pytest.approx((0.3, 0.3))


def test_interval_follows_the_seed_and_little_else() -> None:
    scores = reciprocal_ranks(np.random.default_rng(0), PAIRS)
    first, other = mean_interval(scores, PAIRS), mean_interval(scores, PAIRS, seed=1)

    assert first == mean_interval(scores, PAIRS)
    assert first != other
    assert (other.low, other.high) == pytest.approx((first.low, first.high), abs=0.05 * (first.high - first.low))


def test_interval_is_skewed_as_the_scores_are() -> None:
    scores = np.array([1.0] * 27 + [0.0] * 3)
    interval = mean_interval(scores, np.arange(30))

    assert scores.mean() - interval.low > interval.high - scores.mean()
    assert interval.high <= 1


@given(SCORES, st.sampled_from([0.5, 0.9, 0.99]))
def test_interval_lies_within_the_scores_and_grows_with_the_level(scores: list[float], level: float) -> None:
    values, groups = np.array(scores), np.arange(len(scores))
    interval = mean_interval(values, groups, level=level, resamples=200)
    wider = mean_interval(values, groups, level=(1 + level) / 2, resamples=200)

    assert values.min() - 1e-9 <= wider.low <= interval.low <= interval.high <= wider.high <= values.max() + 1e-9


@given(SCORES)
def test_interval_depends_on_groups_not_on_labels_or_their_order(scores: list[float]) -> None:
    values, groups = np.array(scores), np.arange(len(scores)) // 2
    interval = mean_interval(values, groups, resamples=200)

    assert mean_interval(values, 7 * groups + 2, resamples=200) == interval


def test_intervals_hold_the_true_mean_as_often_as_they_say() -> None:
    random = np.random.default_rng(1)
    intervals = [mean_interval(reciprocal_ranks(random, PAIRS), PAIRS, resamples=999) for _ in range(600)]

    # 600 repeats: a standard error of 0.009.
    assert 0.93 <= np.mean([interval.low <= 0.7646 <= interval.high for interval in intervals]) <= 0.97


def test_thousands_of_queries_need_little_memory() -> None:
    scores = np.random.default_rng(0).random(5_000)
    tracemalloc.start()
    interval = mean_interval(scores, np.arange(5_000), resamples=1_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 64e6
    assert (interval.low, interval.high) == pytest.approx((scores.mean() - 0.008, scores.mean() + 0.008), abs=2e-3)


@pytest.mark.parametrize("estimate", [mean_interval, standard_error])
def test_broken_scores_are_refused(estimate: object) -> None:
    with pytest.raises(EmbedtuneError, match="must be finite numbers, but got 1 of 2"):
        estimate(np.array([0.1, np.nan]), np.arange(2))
    with pytest.raises(EmbedtuneError, match="one for each query"):
        estimate(np.array([0.1]), np.arange(2))
