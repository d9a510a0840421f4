"""Metrics of ranked retrieval, one value per query; all but ndcg read relevance as yes or no.

``hits`` is a boolean array of shape (queries, ranks): whether the passage at that rank, best first, is relevant. A
corpus smaller than a cutoff has fewer ranks; those that are missing count as not relevant. ``relevant`` is an
integer array of shape (queries,): how many passages are relevant, at least 1. Every result is float64 of shape
(queries,).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedtune.config import EvalConfig, Gain
from embedtune.config.rules.evaluation import metrics_at

Hits = NDArray[np.bool_]
Counts = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measures:
    """What is measured.

    Attributes:
        names: Of the metrics, without a similarity, in the order of a model card.
        gain: What a grade is worth.
    """

    names: tuple[str, ...] = metrics_at(())
    gain: Gain = Gain.linear

    @classmethod
    def of(cls, evaluation: EvalConfig) -> Measures:
        """Those of a configuration."""
        return cls(metrics_at(evaluation.cutoffs, evaluation.objective), evaluation.gain)

    @property
    def depth(self) -> int:
        """The deepest rank that any of them looks at."""
        return max(_cutoff(name) for name in self.names)


USUAL = Measures()


@dataclass(frozen=True)
class Gains:
    """Gains of a ranking, where the relevance is graded.

    Attributes:
        ranked: What the passage at each rank is worth, float64 of shape (queries, ranks).
        best: The same of a ranking with the highest grades first, of shape (queries, depth); 0 beyond what is judged.
    """

    ranked: Values
    best: Values


def retrieval_metrics(
    hits: Hits, relevant: Counts, names: Sequence[str] = Measures.names, gains: Gains | None = None
) -> dict[str, Values]:
    """The metrics, named as in ``eval.objective`` without the similarity.

    Args:
        hits: Of the ranking.
        relevant: How many passages are relevant.
        names: Which metrics.
        gains: For ndcg; None where every relevant passage is worth the same.
    """
    measure: dict[str, Callable[[int], Values]] = {
        "accuracy": lambda k: accuracy(hits, k),
        "precision": lambda k: precision(hits, k),
        "recall": lambda k: recall(hits, relevant, k),
        "ndcg": lambda k: ndcg(hits, relevant, k) if gains is None else graded_ndcg(gains, k),
        "mrr": lambda k: reciprocal_rank(hits, k),
        "map": lambda k: average_precision(hits, relevant, k),
    }
    return {name: measure[name.partition("@")[0]](_cutoff(name)) for name in names}


def accuracy(hits: Hits, k: int) -> Values:
    """1 if any of the first ``k`` is relevant, else 0; also called success@k or hit rate."""
    return (_found(hits, k) > 0).astype(np.float64)


def precision(hits: Hits, k: int) -> Values:
    """Share of the first ``k`` that is relevant: hits / k (Manning, Raghavan & Schütze 2008, section 8.4)."""
    return _found(hits, k) / k


def recall(hits: Hits, relevant: Counts, k: int) -> Values:
    """Share of the relevant that is among the first ``k``: hits / relevant (Manning et al. 2008, section 8.3)."""
    return _found(hits, k) / relevant


def reciprocal_rank(hits: Hits, k: int) -> Values:
    """1 / rank of the first relevant passage, 0 if it is not among the first ``k`` (Voorhees 1999, TREC-8 QA report).

    Its mean over queries is MRR@k.
    """
    top = hits[:, :k]
    # Reciprocal ranks fall, so the largest is that of the first hit.
    values: Values = (top / _ranks(top)).max(axis=1)
    return values


def average_precision(hits: Hits, relevant: Counts, k: int) -> Values:
    """Mean of the precisions at the ranks of relevant passages (Buckley & Voorhees 2000).

    AP@k = sum over hits at rank r <= k of precision@r, divided by min(k, relevant). Its mean over queries is MAP@k.
    """
    top = hits[:, :k]
    precisions: Values = top * top.cumsum(axis=1) / _ranks(top)
    values: Values = precisions.sum(axis=1) / np.minimum(relevant, k)
    return values


def ndcg(hits: Hits, relevant: Counts, k: int) -> Values:
    """Normalised discounted cumulative gain (Järvelin & Kekäläinen 2002, with the discount of Burges et al. 2005).

    DCG@k = sum over hits at rank r <= k of 1 / log2(r + 1), divided by the same sum for a ranking that has all
    relevant passages first.
    """
    top = hits[:, :k]
    gains: Values = top / np.log2(_ranks(top) + 1)
    ideal = np.cumsum(1 / np.log2(np.arange(1, k + 1) + 1))
    values: Values = gains.sum(axis=1) / ideal[np.minimum(relevant, k) - 1]
    return values


def graded_ndcg(gains: Gains, k: int) -> Values:
    """The same with graded relevance: DCG@k = sum over ranks r <= k of gain / log2(r + 1), divided by the best one.

    The gain is the grade (Järvelin & Kekäläinen 2002, trec_eval), or 2 ** grade - 1 (Burges et al. 2005).
    """
    discounts = 1 / np.log2(np.arange(1, k + 1) + 1)
    found, best = gains.ranked[:, :k], gains.best[:, :k]
    values: Values = (found * discounts[: found.shape[1]]).sum(axis=1) / (best * discounts[: best.shape[1]]).sum(axis=1)
    return values


def _cutoff(name: str) -> int:
    return int(name.partition("@")[2])


def _found(hits: Hits, k: int) -> Counts:
    found: Counts = np.count_nonzero(hits[:, :k], axis=1)
    return found


def _ranks(hits: Hits) -> Counts:
    return np.arange(1, hits.shape[1] + 1)
