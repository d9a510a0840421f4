from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtune.statistics.groups import clustered
from embedtune.statistics.randomisation import sign_flip_p_values

DIFFERENCES = st.lists(
    st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0]), min_size=6, max_size=6), min_size=1, max_size=4
)


def flipped(rows: list[list[float]], resamples: int = 64, seed: int = 0) -> tuple[list[float], list[float]]:
    """p-values and adjusted ones of differences, each query a group of its own."""
    scores = {str(number): np.array(row) for number, row in enumerate(rows)}
    p_values, adjusted = sign_flip_p_values(clustered(scores, np.arange(len(rows[0]))), resamples=resamples, seed=seed)
    return p_values.tolist(), adjusted.tolist()


def test_p_value_counts_all_flips() -> None:
    # Of the 8 flips of 1, 2 and 4, only the observed one adds up to 7; two add up to 5 or more.
    assert flipped([[1, 2, 4]]) == ([1 / 8], [1 / 8])
    assert flipped([[-1, 2, 4]]) == ([2 / 8], [2 / 8])


def test_flips_that_reach_the_same_sum_count() -> None:
    assert flipped([[0.1, 0.2, 0.3, 0.0]])[0] == [2 / 16]
    assert flipped([[0.1, 0.1, 0.1, -0.1]])[0] == [5 / 16]


@pytest.mark.parametrize("resamples", [64, 20])
def test_no_difference_is_no_evidence(resamples: int) -> None:
    assert flipped([[0.0] * 6, [0.0] * 6], resamples) == ([1, 1], [1, 1])


@pytest.mark.parametrize(("difference", "p_value"), [(0.3, 0.5), (-0.3, 1.0), (0.0, 1.0)])
def test_one_group_proves_nothing(difference: float, p_value: float) -> None:
    assert flipped([[difference]]) == ([p_value], [p_value])


def test_whole_groups_are_flipped() -> None:
    clusters = clustered({"a": np.full(8, 0.5)}, np.array([0, 0, 0, 0, 1, 1, 1, 1]))

    assert sign_flip_p_values(clusters, resamples=1000, seed=0)[0].tolist() == [1 / 4]


@given(DIFFERENCES)
def test_adjusted_p_values_are_those_of_the_definition(rows: list[list[float]]) -> None:
    """Step-down max-T written out: for each flip, candidate and set of candidates ranked no higher."""
    scaled = [np.array(row) / (np.linalg.norm(row) or 1) for row in rows]
    observed = [row.sum() for row in scaled]
    order = sorted(range(len(rows)), key=lambda number: -observed[number])
    flips = [np.array(signs) for signs in itertools.product([1, -1], repeat=6)]
    expected, floor = {}, 0.0
    for place, number in enumerate(order):
        maxima = [max((signs * scaled[other]).sum() for other in order[place:]) for signs in flips]
        floor = max(floor, np.mean([highest >= observed[number] - 1e-9 for highest in maxima]))
        expected[number] = floor

    assert flipped(rows)[1] == pytest.approx([expected[number] for number in range(len(rows))])


@given(DIFFERENCES, st.sampled_from([64, 50]))
def test_adjusted_p_values_are_no_smaller(rows: list[list[float]], resamples: int) -> None:
    p_values, adjusted = flipped(rows, resamples)

    assert all(0 < alone <= together <= 1 for alone, together in zip(p_values, adjusted, strict=True))


def test_candidates_that_resemble_each_other_cost_nothing() -> None:
    row = [0.3, -0.1, 0.4, 0.2, 0.0, 0.6]
    p_values, adjusted = flipped([row] * 5)

    assert adjusted == p_values


def test_drawn_flips_come_close_to_all_flips() -> None:
    rows = np.random.default_rng(0).normal(0.3, 1, (3, 12)).tolist()
    exact, drawn = flipped(rows, 4096), flipped(rows, 4095, seed=1)

    np.testing.assert_allclose(drawn, exact, atol=0.03)
    assert drawn == flipped(rows, 4095, seed=1)
    assert drawn != flipped(rows, 4095, seed=2)


def test_drawn_p_values_are_never_zero() -> None:
    assert flipped([[1.0] * 60], 999) == ([1 / 1000], [1 / 1000])


def test_chunks_cover_exactly_the_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).normal(0.2, 1, (2, 20)).tolist()
    whole = flipped(rows, 999)
    monkeypatch.setattr("embedtune.statistics.resampling._CELLS", 130)

    for alone, expected in zip(flipped(rows, 999)[0], whole[0], strict=True):
        assert alone == pytest.approx(expected, abs=0.05)
        assert alone * 1000 == pytest.approx(round(alone * 1000))


def test_false_rejections_of_any_candidate_stay_below_the_level() -> None:
    random = np.random.default_rng(5)
    rejected = [min(flipped(random.normal(0, 1, (8, 30)).tolist(), 199)[1]) <= 0.05 for _ in range(400)]

    assert np.mean(rejected) < 0.08  # 0.05, and two standard errors of 400 repeats
