from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit

from embedtune.statistics import Interval, standard_error
from embedtune.statistics.differences import difference_intervals
from embedtune.statistics.groups import clustered

PAIRS = np.repeat(np.arange(40), 2)
DIFFERENCES = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0]), min_size=2, max_size=10)


def interval(values: np.ndarray, groups: np.ndarray, resamples: int = 500) -> Interval:
    return difference_intervals(clustered({"a": values}, groups), level=0.95, resamples=resamples, seed=0)[0]


def test_interval_of_normal_differences_is_about_that_of_student() -> None:
    values = np.random.default_rng(0).normal(0.1, 0.2, 80)
    found, error = interval(values, PAIRS, 5_000), standard_error(values, PAIRS)

    assert (found.low + found.high) / 2 == pytest.approx(values.mean())
    assert (found.high - found.low) / 2 == pytest.approx(stdtrit(39, 0.975) * error, rel=0.05)


def test_interval_of_few_different_queries_is_finite() -> None:
    values = np.zeros(80)
    values[[3, 40]] = 1.0  # about a seventh of the resamples hold neither
    found = interval(values, PAIRS)

    assert -0.2 < found.low < 0 < found.high < 0.2


def test_interval_of_equal_differences_is_a_point() -> None:
    found = interval(np.full(80, 0.1), PAIRS)

    assert (found.low, found.high) == pytest.approx((0.1, 0.1))


def test_candidates_share_the_resamples() -> None:
    one, other = np.random.default_rng(0).normal(0, 1, (2, 80))
    both = difference_intervals(clustered({"a": one, "b": other}, PAIRS), level=0.95, resamples=500, seed=0)

    assert [found.low for found in both] == pytest.approx([interval(one, PAIRS).low, interval(other, PAIRS).low])


@given(DIFFERENCES)
def test_interval_surrounds_the_mean_and_mirrors_with_the_sign(differences: list[float]) -> None:
    values, groups = np.array(differences), np.arange(len(differences)) // 2
    found, mirrored = interval(values, groups, 100), interval(-values, groups, 100)

    assert found.low - 1e-9 <= values.mean() <= found.high + 1e-9
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


@pytest.mark.parametrize("gain", [0.0, 0.08])
def test_intervals_hold_the_true_difference_as_often_as_they_say(gain: float) -> None:
    """Most queries score alike, some gain or lose much: with a chance p of +0.5 and 0.1 of -0.5, the mean is known."""
    random, held = np.random.default_rng(2), []
    for _ in range(600):
        draws = random.random(40)[PAIRS]  # both queries of a passage change together
        values = np.where(draws < 0.1 + 2 * gain, 0.5, np.where(draws > 0.9, -0.5, 0.0))
        found = interval(values, PAIRS, 400)
        held.append(found.low <= gain <= found.high)

    assert 0.93 <= np.mean(held) <= 0.98
