from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtune.errors import EmbedtuneError
from embedtune.statistics import indistinguishable

FOUR = np.arange(4)


def test_indistinguishable_names_the_best_first() -> None:
    scores = {
        "far": np.array([0.0, 0.1, 0.0, 0.1]),
        "close": np.array([0.8, 0.9, 0.4, 0.9]),
        "best": np.array([0.9, 0.8, 0.7, 0.9]),
    }

    assert indistinguishable(scores, FOUR) == ("best", "close")


def test_indistinguishable_goes_by_paired_differences() -> None:
    hard = np.array([0.0, 0.3, 0.6, 0.9])  # the means' own standard error is 0.19
    scores = {"best": hard + 0.02, "always behind": hard}

    assert indistinguishable(scores, FOUR) == ("best",)


def test_indistinguishable_counts_groups_not_queries() -> None:
    best = np.array([0.9, 0.9, 0.4, 0.4] * 2)
    other = np.array([0.5, 0.5, 0.5, 0.5] * 2)  # ahead in half of the queries, behind by more in the other half

    assert indistinguishable({"best": best, "other": other}, np.arange(8)) == ("best",)
    assert indistinguishable({"best": best, "other": other}, np.array([0, 0, 1, 1] * 2)) == ("best", "other")


def test_indistinguishable_keeps_the_order_of_equal_means() -> None:
    scores = {name: np.array([0.5, 0.5, 0.25, 0.25]) for name in "cab"}

    assert indistinguishable(scores, FOUR) == ("c", "a", "b")


def test_one_model_is_the_best() -> None:
    assert indistinguishable({"a": np.array([0.3])}, np.array([0])) == ("a",)


def test_one_group_tells_nobody_apart() -> None:
    scores = {"a": np.array([0.1, 0.1]), "b": np.array([0.9, 0.9])}

    assert indistinguishable(scores, np.array([0, 0])) == ("b", "a")


@given(st.lists(st.lists(st.sampled_from([0, 1 / 3, 0.5, 1]), min_size=5, max_size=5), min_size=1, max_size=6))
def test_indistinguishable_holds_the_best_and_falls(rows: list[list[float]]) -> None:
    scores = {str(number): np.array(row) for number, row in enumerate(rows)}
    names = indistinguishable(scores, np.array([0, 0, 1, 2, 3]))
    means = [scores[name].mean() for name in names]

    assert means[0] == pytest.approx(max(values.mean() for values in scores.values()))
    assert (np.diff(means) <= 1e-12).all()


def test_indistinguishable_refuses_nan() -> None:
    with pytest.raises(EmbedtuneError, match="scores of b must be finite"):
        indistinguishable({"a": np.zeros(2), "b": np.array([0, np.nan])}, np.arange(2))
