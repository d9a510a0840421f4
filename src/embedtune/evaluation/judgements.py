"""Judgements as arrays, by which many rankings of the same queries are measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedtune.config import Gain
from embedtune.errors import DataError
from embedtune.evaluation.metrics import Counts, Gains, Hits, Measures, Values, retrieval_metrics
from embedtune.records import RetrievalSet

_HIGHEST = 500
"""Grade whose exponential gain is still a number, and so are sums of some."""


@dataclass(frozen=True)
class Judgements:
    """What is relevant to each query, and what it is worth.

    Attributes:
        passages: How many there are.
        relevant: Every (query, relevant passage) as one number, query x passages + position.
        counts: How many passages are relevant to each query; one that the corpus lacks cannot be found, but counts in
            recall, as it does in the stock evaluator.
        measures: What is measured.
        graded: The same numbers of all passages with a grade, ascending; empty without grades.
        gains: What each of those is worth.
        best: See :class:`~embedtune.evaluation.metrics.Gains`; None without grades.
    """

    passages: int
    relevant: Counts
    counts: Counts
    measures: Measures
    graded: Counts
    gains: Values
    best: Values | None

    @classmethod
    def of(cls, retrieval: RetrievalSet, positions: Counts, measures: Measures) -> Judgements:
        """Those of a task, whose passages have these positions in the order of their ids."""
        position = dict(zip(retrieval.corpus, positions.tolist(), strict=True))
        relevant = [retrieval.relevant[query] for query in retrieval.queries]
        passages = len(position)
        keys = [row * passages + position[own] for row, ids in enumerate(relevant) for own in ids if own in position]
        counts = np.array([len(ids) for ids in relevant], dtype=np.int64)
        graded, gains, best = _graded(retrieval, position, measures)
        return cls(passages, np.array(keys, dtype=np.int64), counts, measures, graded, gains, best)

    def measure(self, ranked: Counts) -> dict[str, Values]:
        """The metrics of a ranking: passages by position, of shape (queries, ranks)."""
        keys = ranked + np.arange(len(ranked))[:, None] * self.passages
        hits: Hits = np.isin(keys, self.relevant)
        gains = None if self.best is None else Gains(self._worth(keys), self.best)
        return retrieval_metrics(hits, self.counts, self.measures.names, gains)

    def _worth(self, keys: Counts) -> Values:
        places = np.minimum(np.searchsorted(self.graded, keys), len(self.graded) - 1)
        worth: Values = np.where(self.graded[places] == keys, self.gains[places], 0.0)
        return worth


def _graded(
    retrieval: RetrievalSet, position: dict[str, int], measures: Measures
) -> tuple[Counts, Values, Values | None]:
    if not retrieval.grades or measures.gain is Gain.binary:
        return np.empty(0, np.int64), np.empty(0), None
    keys: list[int] = []
    gains: list[float] = []
    best = np.zeros((len(retrieval.queries), measures.depth))
    for row, query in enumerate(retrieval.queries):
        grades = retrieval.grades.get(query) or dict.fromkeys(retrieval.relevant[query], 1.0)
        worth = {passage: _gain(grade, measures.gain) for passage, grade in grades.items()}
        highest = sorted(worth.values(), reverse=True)[: measures.depth]
        best[row, : len(highest)] = highest
        for passage, own in worth.items():
            if passage in position:
                keys.append(row * len(position) + position[passage])
                gains.append(own)
    order = np.argsort(keys)
    return np.array(keys, dtype=np.int64)[order], np.array(gains)[order], best


def _gain(grade: float, gain: Gain) -> float:
    if gain is not Gain.exponential:
        return grade
    if grade > _HIGHEST:
        raise DataError(
            f"eval.gain must be linear or binary for grades above {_HIGHEST}, but got exponential and {grade:g}, whose "
            "gain is no number any more. Set eval.gain=linear."
        )
    return float(2.0**grade - 1)
