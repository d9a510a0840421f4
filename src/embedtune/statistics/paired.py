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

    @property
    def finite_effect_size(self) -> float | None:
        """None where it is infinite, which JSON does not know."""
        return self.effect_size if math.isfinite(self.effect_size) else None


@dataclass(frozen=True)
class Criterion:
    """The claim that a comparison has to show, and how it is tested.

    Attributes:
        level: Confidence of each one-sided test, and of the intervals; between 0 and 1.
        margin: How much worse than the reference is still not worse, in units of the score; 0 asks for better.
        resamples: How many bootstrap samples, and how many sign flips.
        seed: The same seed gives the same answer.
    """

    level: float = 0.95
    margin: float = 0.0
    resamples: int = RESAMPLES
    seed: int = 0

    def met_by(self, comparison: Comparison) -> bool:
        """Whether the adjusted p-value is at most 1 - level."""
        return comparison.adjusted_p <= 1 - self.level


def compare(
    candidates: Mapping[str, Scores], reference: Scores, groups: Groups, criterion: Criterion = Criterion()
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
        criterion: Level, margin and resampling.

    Returns:
        By candidate, in their order; empty without candidates.

    Raises:
        EmbedtuneError: Shapes differ, no query, or a score is no finite number.
    """
    if not candidates:
        return {}
    for name, values in {**candidates, "the reference": reference}.items():
        check_scores(name, values, len(groups))
    resamples, seed = criterion.resamples, criterion.seed
    differences = {name: np.asarray(values, dtype=np.float64) - reference for name, values in candidates.items()}
    clusters = clustered(differences, groups)
    intervals = difference_intervals(clusters, level=criterion.level, resamples=resamples, seed=seed)
    shifted = clustered({name: values + criterion.margin for name, values in differences.items()}, groups)
    p_values, adjusted = (column.tolist() for column in sign_flip_p_values(shifted, resamples=resamples, seed=seed))
    errors, found = standard_errors(clusters).tolist(), {}
    for place, (name, values) in enumerate(differences.items()):
        mean, deviation = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0
        found[name] = Comparison(
            mean=mean,
            interval=intervals[place],
            p_value=p_values[place],
            adjusted_p=adjusted[place],
            effect_size=_effect_size(mean, deviation),
            queries=len(values),
            groups=clusters.count,
            margin=criterion.margin,
            deviation=deviation,
            design_effect=_design_effect(errors[place], deviation / math.sqrt(len(values))),
        )
    return found


def _design_effect(error: float, independent: float) -> float:
    """Of the standard error of a mean and what it would be of independent queries; 1 where that is not known."""
    return (error / independent) ** 2 if independent and math.isfinite(error) else 1.0


def _effect_size(mean: float, deviation: float) -> float:
    if deviation:
        return mean / deviation
    return math.copysign(math.inf, mean) if mean else 0.0
