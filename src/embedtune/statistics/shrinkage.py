"""Means corrected for having been picked as the largest of many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from embedtune.errors import EmbedtuneError
from embedtune.statistics.bootstrap import standard_errors
from embedtune.statistics.groups import Clusters, Groups, Scores, clustered

_ROUNDING = 1e-12
"""Means that differ by less are equal."""

_HALVINGS = 60
"""Of the bracket around the variance of true means: to the precision of a float64."""


def shrink(means: Sequence[float] | Scores, errors: Sequence[float] | Scores) -> Scores:
    """Means drawn towards their grand mean by as much as their spread is noise: against the winner's curse.

    Empirical Bayes with normal errors and normal true means. The variance v of the true means solves
    sum((mean - grand mean)^2 / (error^2 + v)) = k - 3, or is 0; with equal errors that is exactly the positive-part
    James-Stein estimator towards the grand mean, whose total squared error is below that of the means for k > 3
    (James & Stein 1961; Efron & Morris 1973, 1975). Up to three means are returned as they are.

    Args:
        means: Shape (k,).
        errors: Shape (k,): the standard error of each mean, the errors independent of each other.

    Returns:
        Shape (k,), in the order of ``means``.

    Raises:
        EmbedtuneError: Shapes differ, a mean or error is no finite number, or an error is negative.
    """
    values, deviations = np.asarray(means, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    legal = values.shape == deviations.shape and np.isfinite([values, deviations]).all() and (deviations >= 0).all()
    if not legal:
        raise EmbedtuneError(
            f"means must be finite, each with a finite error of 0 or more, but got {values} and {deviations}. "
            "Evaluate again."
        )
    freedom, spread = len(values) - 3, np.ptp(values) if len(values) else 0.0
    if freedom < 1 or spread < _ROUNDING:
        return values.copy()
    # An error of 0 would have infinite weight; one far below the spread is as good.
    variances = np.maximum(deviations**2, 1e-12 * spread**2)
    between = _variance_of_true_means(values, variances, freedom)
    centre = _grand_mean(values, variances + between)
    shrunken: Scores = centre + (values - centre) * between / (variances + between)
    return shrunken


def shrunken_means(scores: Mapping[str, Scores], groups: Groups) -> dict[str, float]:
    """:func:`shrink` for models scored on the same queries, whose means have most of their error in common.

    What hard and easy queries do to all models alike selects nobody and is not shrunk away: the error of a model is
    that of its differences to the average model, query by query. That average holds 1/k of the model itself, which
    the factor sqrt(k / (k - 1)) makes good. A single group of queries tells no model from another: all get the grand
    mean.

    Args:
        scores: Name -> scores, each of shape (queries,).
        groups: Shape (queries,).

    Returns:
        Name -> estimate, in the order of ``scores``.

    Raises:
        EmbedtuneError: No model, shapes differ, no query, or a score is no finite number.
    """
    clusters = clustered(scores, groups)
    means, models = clusters.means, len(scores)
    if models == 1 or clusters.count == 1:
        return dict.fromkeys(scores, float(means.mean()))
    deviations = Clusters(clusters.sums - clusters.sums.mean(axis=1, keepdims=True), clusters.sizes)
    errors = standard_errors(deviations) * np.sqrt(models / (models - 1))
    return dict(zip(scores, shrink(means, errors).tolist(), strict=True))


def _variance_of_true_means(values: Scores, variances: Scores, freedom: int) -> float:
    """The root of a falling function, by halving a bracket that holds it; 0 if it is nowhere above ``freedom``."""

    def excess(between: float) -> float:
        totals = variances + between
        return float(((values - _grand_mean(values, totals)) ** 2 / totals).sum()) - freedom

    low, high = 0.0, float(((values - values.mean()) ** 2).sum()) / freedom
    if excess(low) <= 0:
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


def _grand_mean(values: Scores, variances: Scores) -> float:
    return float(np.average(values, weights=1 / variances))
