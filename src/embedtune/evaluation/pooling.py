"""Scores of several folds as those of one evaluation: every query by the model that did not train on it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embedtune.records import RetrievalScores


@dataclass(frozen=True)
class FoldScores:
    """One evaluation of one fold's model.

    Attributes:
        epoch: When in its training.
        scores: Of the queries held out.
    """

    epoch: float
    scores: RetrievalScores


@dataclass(frozen=True)
class Pooled:
    """The best point of the folds' common curve.

    Attributes:
        value: Mean over all queries.
        epoch: When in the training, the mean over folds.
        scores: Of all queries, fold after fold.
    """

    value: float
    epoch: float
    scores: RetrievalScores


def pool(curves: Sequence[Sequence[FoldScores]], dim: int, metric: str) -> Pooled:
    """The evaluation at which the folds are best together; of two equal ones the earlier.

    Choosing it for each fold alone would let every model stop at what suits its own held-out queries.

    Args:
        curves: For each fold its evaluations in order, the last one at the end of training. Where folds differ in
            number, as they may if evaluations come by steps, the surplus before the last is left out.
        dim: The dimension at which the objective is read.
        metric: The objective.
    """
    count = min(map(len, curves))
    aligned = [[*curve[: count - 1], curve[-1]] for curve in curves]
    merged = [_join([point.scores for point in points]) for points in zip(*aligned, strict=True)]
    values = [float(scores.per_query[dim][metric].mean()) for scores in merged]
    best = values.index(max(values))
    return Pooled(values[best], float(np.mean([curve[best].epoch for curve in aligned])), merged[best])


def _join(parts: Sequence[RetrievalScores]) -> RetrievalScores:
    first = parts[0]
    per_query = {
        dim: {name: np.concatenate([part.per_query[dim][name] for part in parts]) for name in metrics}
        for dim, metrics in first.per_query.items()
    }
    return RetrievalScores(tuple(query for part in parts for query in part.query_ids), per_query)
