from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtune.statistics import Criterion, compare, queries_needed

POSITIVE = st.floats(1e-3, 1)


@pytest.mark.parametrize("difference", [0.0, -0.1, float("-inf"), float("nan")])
def test_nothing_to_find_needs_no_number(difference: float) -> None:
    assert queries_needed(difference, 0.2) is None


def test_queries_needed_is_the_sample_size_of_a_paired_t_test() -> None:
    # (1.6449 + 0.8416)^2 / 0.1^2 + 1.6449^2 / 2 = 618.3 + 1.35
    assert queries_needed(0.02, 0.2) == 620
    assert queries_needed(0.02, 0.2, design_effect=1.5) == 930
    # (2.3263 + 1.2816)^2 / 0.5^2 + 2.3263^2 / 2 = 52.1 + 2.7
    assert queries_needed(0.1, 0.2, level=0.99, power=0.9) == 55


def test_queries_needed_leave_room_for_a_small_p_value() -> None:
    assert queries_needed(0.5, 0.0) == 5  # 2^-5 is the first below 0.05
    assert queries_needed(0.5, 0.0, level=0.99) == 7


@given(POSITIVE, POSITIVE, st.floats(1, 5))
def test_queries_needed_grow_with_noise_and_shrink_with_the_difference(
    difference: float, deviation: float, effect: float
) -> None:
    needed = queries_needed(difference, deviation, design_effect=effect)

    assert needed is not None
    assert needed >= (queries_needed(difference * 2, deviation, design_effect=effect) or 0)
    assert needed >= (queries_needed(difference, deviation / 2, design_effect=effect) or 0)
    assert needed >= (queries_needed(difference, deviation) or 0)


def test_so_many_queries_have_the_power_asked_for() -> None:
    needed = queries_needed(0.1, 0.2)
    assert needed is not None
    random = np.random.default_rng(0)
    differences = {str(number): random.normal(0.1, 0.2, needed) for number in range(2000)}

    found = compare(differences, np.zeros(needed), np.arange(needed), Criterion(resamples=500))

    assert np.mean([comparison.p_value <= 0.05 for comparison in found.values()]) == pytest.approx(0.8, abs=0.03)
