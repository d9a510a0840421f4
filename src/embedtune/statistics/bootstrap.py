"""Intervals and standard errors of means over queries that come in groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from embedtune.statistics.groups import Clusters, Groups, Scores, clustered
from embedtune.statistics.resampling import RESAMPLES, bootstrap_draws


@dataclass(frozen=True)
class Interval:
    """Where a mean over all conceivable queries lies, given those scored.

    Attributes:
        low: The lower bound.
        high: The upper bound.
        level: How often such an interval holds the true mean, between 0 and 1.
    """

    low: float
    high: float
    level: float


def standard_error(scores: Scores, groups: Groups) -> float:
    """Standard error of the mean of ``scores``, robust to correlation within groups.

    The sandwich estimator of a mean with G / (G - 1) for G groups (Liang & Zeger 1986; Cameron & Miller 2015). With
    every query a group of its own it is the textbook s / sqrt(queries). Infinite for a single group, which says nothing
    about the spread between groups.

    Args:
        scores: Shape (queries,).
        groups: Shape (queries,).

    Raises:
        EmbedtuneError: Shapes differ, no query, or a score is no finite number.
    """
    return float(standard_errors(clustered({"the model": scores}, groups))[0])


def standard_errors(clusters: Clusters) -> Scores:
    """Shape (models,): :func:`standard_error` of each."""
    residuals = clusters.sums - np.outer(clusters.sizes, clusters.means)
    squares = (residuals**2).sum(axis=0)
    if clusters.count == 1:
        return np.full(len(squares), np.inf)
    errors: Scores = np.sqrt(squares * clusters.count / (clusters.count - 1)) / clusters.sizes.sum()
    return errors


def mean_interval(
    scores: Scores, groups: Groups, *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Bootstrap interval of the mean of ``scores``: groups are drawn with replacement, each with all its queries.

    Bounds are bias-corrected and accelerated (BCa, Efron 1987), because scores such as average precision are skewed,
    at levels widened for the number of groups (Hesterberg 2015, "expanded" percentiles), because a bootstrap of n
    groups is too narrow by sqrt((n - 1) / n) and knows no t distribution. Resampling whole groups is the pairs cluster
    bootstrap (Cameron, Gelbach & Miller 2008). Of a single group nothing is known but what all metrics share: it is
    0 to 1.

    Args:
        scores: Shape (queries,).
        groups: Shape (queries,).
        level: Two-sided, between 0 and 1.
        resamples: How many bootstrap samples.
        seed: The same seed gives the same interval.

    Raises:
        EmbedtuneError: Shapes differ, no query, or a score is no finite number.
    """
    intervals = mean_intervals({"the model": scores}, groups, level=level, resamples=resamples, seed=seed)
    return intervals["the model"]


def mean_intervals(
    scores: Mapping[str, Scores], groups: Groups, *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """:func:`mean_interval` of several models on the same queries, which share the resamples."""
    clusters = clustered(scores, groups)
    if clusters.count == 1:
        return dict.fromkeys(scores, Interval(0.0, 1.0, level))
    draws, means, accelerations = _resampled_means(clusters, resamples, seed), clusters.means, _accelerations(clusters)
    width = np.sqrt(clusters.count / (clusters.count - 1)) * stdtrit(clusters.count - 1, (1 + level) / 2)
    return {
        name: _interval(draws[:, number], means[number], accelerations[number], width, level)
        for number, name in enumerate(scores)
    }


def _interval(draws: Scores, mean: float, acceleration: float, width: float, level: float) -> Interval:
    """Percentiles of the resampled means of one model, at levels moved by bias and acceleration."""
    # Ties count half on either side.
    below = np.count_nonzero(draws < mean) + np.count_nonzero(draws == mean) / 2
    bias = ndtri(np.clip(below / len(draws), 1 / len(draws), 1 - 1 / len(draws)))
    moved = bias + width * np.array([-1.0, 1.0])
    # Where the acceleration outweighs 1 the bound is the extreme of the resamples.
    low, high = np.quantile(draws, ndtr(bias + moved / np.maximum(1 - acceleration * moved, 1e-9))).tolist()
    return Interval(low, high, level)


def _accelerations(clusters: Clusters) -> Scores:
    """BCa's a of each model, from the jackknife over groups; 0 where all jackknifed means agree."""
    left = (clusters.sums.sum(axis=0) - clusters.sums) / (clusters.sizes.sum() - clusters.sizes)[:, np.newaxis]
    deviations = left.mean(axis=0) - left
    spread = (deviations**2).sum(axis=0) ** 1.5
    accelerations: Scores = (deviations**3).sum(axis=0) / (6 * np.where(spread > 0, spread, 1))
    return accelerations


def _resampled_means(clusters: Clusters, resamples: int, seed: int) -> NDArray[np.float64]:
    """Means of bootstrap samples of groups, shape (resamples, models)."""
    table = np.column_stack([clusters.sums, clusters.sizes])
    totals = np.concatenate([counts @ table for counts in bootstrap_draws(clusters.count, resamples, seed)])
    means: NDArray[np.float64] = totals[:, :-1] / totals[:, -1:]
    return means
