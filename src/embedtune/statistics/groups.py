"""Queries that share a passage: whose scores rise and fall together, so that they count as one piece of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedtune.errors import EmbedtuneError

Scores = NDArray[np.float64]
Groups = NDArray[np.intp]


def query_groups(relevant: Mapping[str, frozenset[str]]) -> Groups:
    """The group of each query: the connected components of queries joined by a passage that answers both.

    Scores of such queries are not independent, so resampling takes or leaves whole groups, as for any clustered sample
    (Cameron, Gelbach & Miller 2008; Davison & Hinkley 1997, section 3.8).

    Args:
        relevant: Query id -> ids of the passages that answer it.

    Returns:
        Shape (queries,), in the order of ``relevant``; groups are numbered from 0 by their first query.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    numbers: dict[str, int] = {}
    edges = [
        (query, numbers.setdefault(passage, len(relevant) + len(numbers)))
        for query, passages in enumerate(relevant.values())
        for passage in passages
    ]
    size = len(relevant) + len(numbers)
    rows, columns = np.array(edges, dtype=np.intp).reshape(-1, 2).T
    _, labels = connected_components(coo_array((np.ones(len(edges)), (rows, columns)), shape=(size, size)), False)
    _, first, groups = np.unique(labels[: len(relevant)], return_index=True, return_inverse=True)
    ranks: Groups = np.argsort(np.argsort(first)).astype(np.intp)[groups]
    return ranks


@dataclass(frozen=True)
class Clusters:
    """Scores of several models, added up within each group.

    Attributes:
        sums: Shape (groups, models): the scores of a group's queries, added.
        sizes: Shape (groups,): how many queries a group has, as float64.
    """

    sums: NDArray[np.float64]
    sizes: Scores

    @property
    def count(self) -> int:
        """How many groups."""
        return len(self.sizes)

    @property
    def means(self) -> Scores:
        """Shape (models,): means over queries, not over groups."""
        means: Scores = self.sums.sum(axis=0) / self.sizes.sum()
        return means


def clustered(scores: Mapping[str, Scores], groups: Groups) -> Clusters:
    """The scores of several models on the same queries, by group.

    Raises:
        EmbedtuneError: No model, no queries, another number of scores than of groups, or a score that is no finite
            number.
    """
    labels, numbers, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    if not scores or not len(labels):
        raise EmbedtuneError("scores must be of at least one model on one query, but got none. Evaluate first.")
    for name, values in scores.items():
        check_scores(name, values, len(numbers))
    sums = [np.bincount(numbers, np.asarray(values, dtype=np.float64)) for values in scores.values()]
    return Clusters(np.stack(sums, axis=1), sizes.astype(np.float64))


def check_scores(name: str, values: Scores, queries: int) -> None:
    """Raise unless ``values`` are ``queries`` finite numbers."""
    if np.shape(values) != (queries,):
        raise EmbedtuneError(
            f"scores of {name} must be {queries}, one for each query, but got shape {np.shape(values)}. "
            "Compare models on the same queries."
        )
    if broken := np.count_nonzero(~np.isfinite(values)):
        raise EmbedtuneError(
            f"scores of {name} must be finite numbers, but got {broken} of {queries} that are not. Evaluate it again."
        )
