from __future__ import annotations

import numpy as np
import pytest

from embedtune.evaluation import FoldScores, pool
from embedtune.records import RetrievalScores


def point(epoch: float, *values: float, name: str = "q") -> FoldScores:
    ids = tuple(f"{name}{i}" for i in range(len(values)))
    return FoldScores(epoch, RetrievalScores(ids, {8: {"m": np.array(values)}, 4: {"m": np.zeros(len(values))}}))


def test_the_best_common_evaluation_is_taken_not_each_folds_own() -> None:
    one = (point(1, 0.9, 0.9, name="a"), point(2, 0.4, 0.4, name="a"))
    other = (point(1, 0.1, name="b"), point(2, 0.8, name="b"))
    pooled = pool([one, other], 8, "m")
    assert pooled.value == pytest.approx((0.9 + 0.9 + 0.1) / 3)
    assert pooled.epoch == 1
    assert pooled.scores.query_ids == ("a0", "a1", "b0")
    assert pooled.scores.per_query[8]["m"].tolist() == [0.9, 0.9, 0.1]
    assert list(pooled.scores.per_query) == [8, 4]


def test_of_two_equal_ones_the_earlier() -> None:
    assert pool([(point(1, 0.5), point(2, 0.5))], 8, "m").epoch == 1


def test_folds_of_different_length_meet_at_their_ends() -> None:
    short = (point(0.6, 0.1, name="a"), point(1, 0.9, name="a"))
    long = (point(0.5, 0.1, name="b"), point(0.9, 0.2, name="b"), point(1, 0.9, name="b"))
    pooled = pool([short, long], 8, "m")
    assert (pooled.value, pooled.epoch) == (pytest.approx(0.9), 1)
