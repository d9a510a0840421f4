"""Metrics against values worked out by hand, and properties that hold for every ranking."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embedtune.config.rules.evaluation import METRICS
from embedtune.evaluation.metrics import (
    accuracy,
    average_precision,
    ndcg,
    precision,
    recall,
    reciprocal_rank,
    retrieval_metrics,
)


def ranking(*rows: str) -> NDArray[np.bool_]:
    """``.x.`` is a ranking of three passages whose second is relevant."""
    return np.array([[mark == "x" for mark in row] for row in rows])


HITS = ranking("..x.x.......", "x...........", "............")
RELEVANT = np.array([3, 1, 2])


def test_accuracy_counts_a_query_once() -> None:
    np.testing.assert_array_equal(accuracy(HITS, 3), [1, 1, 0])
    np.testing.assert_array_equal(accuracy(HITS, 1), [0, 1, 0])


def test_precision_divides_by_the_cutoff() -> None:
    np.testing.assert_allclose(precision(HITS, 5), [2 / 5, 1 / 5, 0])


def test_precision_of_fewer_passages_than_the_cutoff_still_divides_by_it() -> None:
    np.testing.assert_allclose(precision(ranking("xx"), 10), [2 / 10])


def test_recall_divides_by_the_relevant() -> None:
    np.testing.assert_allclose(recall(HITS, RELEVANT, 5), [2 / 3, 1, 0])


def test_reciprocal_rank_is_that_of_the_first_hit() -> None:
    np.testing.assert_allclose(reciprocal_rank(HITS, 10), [1 / 3, 1, 0])


def test_reciprocal_rank_below_the_cutoff_is_zero() -> None:
    np.testing.assert_allclose(reciprocal_rank(ranking(".........." + "x"), 10), [0])


def test_average_precision_averages_over_the_relevant_not_over_the_hits() -> None:
    np.testing.assert_allclose(average_precision(HITS, RELEVANT, 100), [(1 / 3 + 2 / 5) / 3, 1, 0])


def test_average_precision_with_more_relevant_than_the_cutoff_can_reach_one() -> None:
    np.testing.assert_allclose(average_precision(ranking("xx"), np.array([5]), 2), [1])


def test_ndcg_divides_by_the_best_order() -> None:
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    np.testing.assert_allclose(ndcg(HITS, RELEVANT, 10), [(1 / math.log2(4) + 1 / math.log2(6)) / ideal, 1, 0])


def test_ndcg_with_more_relevant_than_the_cutoff_can_reach_one() -> None:
    np.testing.assert_allclose(ndcg(ranking("x" * 10), np.array([40]), 10), [1])


def test_retrieval_metrics_are_the_documented_ones_in_order() -> None:
    metrics = retrieval_metrics(HITS, RELEVANT)
    assert tuple(metrics) == METRICS
    assert all(values.dtype == np.float64 and values.shape == (3,) for values in metrics.values())


@st.composite
def rankings(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    queries, ranks = draw(st.integers(1, 4)), draw(st.integers(1, 120))
    seed = draw(st.integers(0, 2**32 - 1))
    hits = np.random.default_rng(seed).random((queries, ranks)) < draw(st.sampled_from([0.02, 0.3, 0.9]))
    missing = draw(st.integers(0, 5))
    return hits, np.maximum(hits.sum(axis=1) + missing, 1)


@settings(max_examples=60, deadline=None)
@given(rankings())
def test_every_metric_is_between_0_and_1(case: tuple[NDArray[np.bool_], NDArray[np.int64]]) -> None:
    for name, values in retrieval_metrics(*case).items():
        assert ((values >= 0) & (values <= 1 + 1e-12)).all(), name


@settings(max_examples=60, deadline=None)
@given(rankings())
def test_a_perfect_ranking_is_worth_one(case: tuple[NDArray[np.bool_], NDArray[np.int64]]) -> None:
    ranks, relevant = case[0].shape[1], case[1]
    perfect = np.arange(ranks) < np.minimum(relevant, ranks)[:, None]
    enough = ranks >= np.minimum(relevant, 100)
    metrics = retrieval_metrics(perfect, relevant)
    np.testing.assert_allclose(metrics["accuracy@1"], 1)
    np.testing.assert_allclose(metrics["mrr@10"], 1)
    np.testing.assert_allclose(metrics["map@100"][enough], 1)
    np.testing.assert_allclose(metrics["ndcg@10"][enough], 1)


@settings(max_examples=60, deadline=None)
@given(rankings(), st.integers(0, 118))
def test_a_hit_moved_one_rank_up_never_lowers_a_metric(
    case: tuple[NDArray[np.bool_], NDArray[np.int64]], rank: int
) -> None:
    hits, relevant = case
    better = hits.copy()
    pair = better[:, rank : rank + 2]
    pair.sort(axis=1)
    better[:, rank : rank + 2] = pair[:, ::-1]
    for (name, before), after in zip(
        retrieval_metrics(hits, relevant).items(), retrieval_metrics(better, relevant).values(), strict=True
    ):
        assert (after >= before - 1e-12).all(), name


@pytest.mark.parametrize("metric", [ndcg, average_precision])
def test_missing_relevant_passages_lower_the_metric(metric: Callable[..., NDArray[np.float64]]) -> None:
    hits = ranking("x.x")
    assert metric(hits, np.array([4]), 10)[0] < metric(hits, np.array([2]), 10)[0]
