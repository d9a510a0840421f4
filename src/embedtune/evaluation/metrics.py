"""Metrics of ranked retrieval with binary relevance, one value per query.

``hits`` is a boolean array of shape (queries, ranks): whether the passage at that rank, best first, is relevant. A
corpus smaller than a cutoff has fewer ranks; those that are missing count as not relevant. ``relevant`` is an
integer array of shape (queries,): how many passages are relevant, at least 1. Every result is float64 of shape
(queries,).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embedtune.config.rules.evaluation import CUTOFFS

DEPTH = 100
"""The deepest rank any metric looks at."""

Hits = NDArray[np.bool_]
Counts = NDArray[np.int64]
Values = NDArray[np.float64]


def retrieval_metrics(hits: Hits, relevant: Counts) -> dict[str, Values]:
    """Every metric, named as in ``eval.objective`` without the similarity, in the order of a model card."""
    return {
        **{f"accuracy@{k}": accuracy(hits, k) for k in CUTOFFS},
        **{f"precision@{k}": precision(hits, k) for k in CUTOFFS},
        **{f"recall@{k}": recall(hits, relevant, k) for k in CUTOFFS},
        "ndcg@10": ndcg(hits, relevant, 10),
        "mrr@10": reciprocal_rank(hits, 10),
        "map@100": average_precision(hits, relevant, DEPTH),
    }


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


def _found(hits: Hits, k: int) -> Counts:
    found: Counts = np.count_nonzero(hits[:, :k], axis=1)
    return found


def _ranks(hits: Hits) -> Counts:
    return np.arange(1, hits.shape[1] + 1)
