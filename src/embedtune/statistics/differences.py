"""Intervals of mean differences between models scored on the same queries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from embedtune.statistics.bootstrap import Interval, standard_errors
from embedtune.statistics.groups import Clusters, Scores
from embedtune.statistics.resampling import Draws, bootstrap_draws

_NOTHING = 1e-9
"""Of the observed standard error: a smaller one is rounding."""


def difference_intervals(clusters: Clusters, *, level: float, resamples: int, seed: int) -> list[Interval]:
    """Interval of each mean of paired differences: the mean, plus and minus its standard error times a bootstrap t.

    The cluster bootstrap-t (Cameron, Gelbach & Miller 2008): groups are drawn with replacement, and the ``level``
    quantile of |mean - observed mean| / standard error takes the place of Student's t, which it never undercuts, lest
    two queries that differ among a hundred equal ones make a narrow interval. It is symmetric, because symmetric
    intervals hold the truth more reliably (Hall 1988): differences of two models are spread about evenly around their
    mean, with many zeros and few large values; the skewness that a few dozen groups show is mostly noise, and BCa
    bounds that follow it hold the truth too rarely.

    Args:
        clusters: Differences, one column for each candidate; all share the same resamples.
        level: Two-sided, between 0 and 1.
        resamples: How many bootstrap samples.
        seed: The same seed gives the same intervals.

    Returns:
        One for each candidate. Of a single group nothing is known: -1 to 1, or 0 to 0 if nothing differs.
    """
    means = clusters.means.tolist()
    if clusters.count == 1:
        return [Interval(-1.0, 1.0, level) if mean else Interval(0.0, 0.0, level) for mean in means]
    errors = standard_errors(clusters)
    draws = bootstrap_draws(clusters.count, resamples, seed)
    statistics = np.concatenate([_statistics(clusters, errors, counts) for counts in draws])
    student = stdtrit(clusters.count - 1, (1 + level) / 2)
    reaches = (np.maximum(np.quantile(np.abs(statistics), level, axis=0), student) * errors).tolist()
    return [Interval(mean - reach, mean + reach, level) for mean, reach in zip(means, reaches, strict=True)]


def _statistics(clusters: Clusters, observed: Scores, counts: Draws) -> NDArray[np.float64]:
    """Student's t of each resample, shape (resamples, candidates): how far its mean lies from the observed one."""
    sizes = clusters.sizes[:, np.newaxis]
    queries = counts @ sizes
    means = counts @ clusters.sums / queries
    # Squares of the residuals sum - mean * size, multiplied out, because each resample has a mean of its own.
    squares = (
        counts @ clusters.sums**2 - 2 * means * (counts @ (clusters.sums * sizes)) + means**2 * (counts @ sizes**2)
    )
    errors = np.sqrt(np.maximum(squares, 0) * clusters.count / (clusters.count - 1)) / queries
    # A resample may hold groups that do not differ at all: it is measured by the observed error.
    errors = np.where(errors > _NOTHING * observed, errors, observed)
    statistics: NDArray[np.float64] = (means - clusters.means) / np.where(errors > 0, errors, 1)
    return statistics
