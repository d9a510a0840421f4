"""Candidates against a reference, query by query."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from embedtune.statistics.bootstrap import Interval, standard_errors
from embedtune.statistics.differences import difference_intervals
from embedtune.statistics.groups import Groups, Scores, check_scores, clustered
from embedtune.statistics.randomisation import sign_flip_p_values
from embedtune.statistics.resampling import RESAMPLES


@dataclass(frozen=True)
class Comparison:
    """A candidate against a reference on the same queries.

    Attributes:
        mean: Mean difference, candidate minus reference.
        interval: Of that mean, two-sided, not adjusted for other candidates.
        p_value: One-sided, of "better than the reference minus the margin", as if it were the only candidate.
        adjusted_p: The same, adjusted for all candidates compared at once; reject if at most 1 - level.
        effect_size: The mean in standard deviations of the difference of a query (Cohen's d for pairs, 1988); signed
            infinity if every query differs by the same amount.
        queries: How many queries.
        groups: How many groups of queries that share a passage.
        margin: How much worse than the reference still counts as not worse; 0 asks for better.
        deviation: Standard deviation of the difference of a query.
        design_effect: How many times larger the variance of the mean is than if queries were independent (Kish 1965).
    """

    mean: float
    interval: Interval
    p_value: float
    adjusted_p: float
    effect_size: float
    queries: int
    groups: int
    margin: float = 0.0
    deviation: float = 0.0
    design_effect: float = 1.0


def compare(
    candidates: Mapping[str, Scores],
    reference: Scores,
    groups: Groups,
    *,
    margin: float = 0.0,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Comparison]:
    """Each candidate against the reference, by paired differences: what queries have in common cancels out.

    The test is :func:`~embedtune.statistics.randomisation.sign_flip_p_values` on the differences plus the margin, so
    with a margin it is one of non-inferiority. Differences around a margin need not be symmetric; the test of
    a mean still holds its level as groups grow in number (Romano 1990). The interval is
    :func:`~embedtune.statistics.differences.difference_intervals` of the differences alone.

    Args:
        candidates: Name -> scores, each of shape (queries,).
        reference: Shape (queries,).
        groups: Shape (queries,).
        margin: 0 or more, in units of the score.
        level: Of the intervals, between 0 and 1.
        resamples: How many bootstrap samples, and how many sign flips.
        seed: The same seed gives the same answer.

    Returns:
        By candidate, in their order; empty without candidates.

    Raises:
        EmbedtuneError: Shapes differ, no query, or a score is no finite number.
    """
    if not candidates:
        return {}
    for name, values in {**candidates, "the reference": reference}.items():
        check_scores(name, values, len(groups))
    differences = {name: np.asarray(values, dtype=np.float64) - reference for name, values in candidates.items()}
    clusters = clustered(differences, groups)
    intervals = difference_intervals(clusters, level=level, resamples=resamples, seed=seed)
    shifted = clustered({name: values + margin for name, values in differences.items()}, groups)
    p_values, adjusted = sign_flip_p_values(shifted, resamples=resamples, seed=seed)
    errors = standard_errors(clusters)
    return {
        name: _comparison(values, interval, p_value, adjusted_p, error, clusters.count, margin)
        for (name, values), interval, p_value, adjusted_p, error in zip(
            differences.items(), intervals, p_values.tolist(), adjusted.tolist(), errors.tolist(), strict=True
        )
    }


def _comparison(
    differences: Scores,
    interval: Interval,
    p_value: float,
    adjusted_p: float,
    error: float,
    groups: int,
    margin: float,
) -> Comparison:
    queries, mean = len(differences), float(differences.mean())
    deviation = float(differences.std(ddof=1)) if queries > 1 else 0.0
    independent = deviation / math.sqrt(queries)
    return Comparison(
        mean=mean,
        interval=interval,
        p_value=p_value,
        adjusted_p=adjusted_p,
        effect_size=_effect_size(mean, deviation),
        queries=queries,
        groups=groups,
        margin=margin,
        deviation=deviation,
        design_effect=(error / independent) ** 2 if independent and math.isfinite(error) else 1.0,
    )


def _effect_size(mean: float, deviation: float) -> float:
    if deviation:
        return mean / deviation
    return math.copysign(math.inf, mean) if mean else 0.0
