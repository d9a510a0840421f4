"""How much data a comparison needs."""

from __future__ import annotations

import math
from statistics import NormalDist


def queries_needed(
    difference: float, deviation: float, *, level: float = 0.95, power: float = 0.8, design_effect: float = 1.0
) -> int | None:
    """Queries that a one-sided paired test needs to find a mean difference; None if there is nothing to find.

    n = ((z_level + z_power) * deviation / difference)^2 + z_level^2 / 2, the sample size of a paired t test by the
    normal distribution with Guenther's correction for the estimated deviation (1981), times the design effect (Kish
    1965); the randomisation test has the power of the t test. At least enough that the smallest p-value of sign flips,
    2^-n, can reach 1 - level. Taken from an observed difference it is a guide, not a promise: that difference is
    itself uncertain and, for the best of many trials, too large.

    Args:
        difference: The mean difference to find, plus the margin for non-inferiority.
        deviation: Standard deviation of the difference of a query, 0 or more.
        level: 1 minus the chance of a false promotion.
        power: The chance to find the difference.
        design_effect: How many times larger the variance of the mean is because queries share passages.
    """
    if not difference > 0:
        return None
    normal = NormalDist()
    threshold = normal.inv_cdf(level)
    needed = ((threshold + normal.inv_cdf(power)) * deviation / difference) ** 2 + threshold**2 / 2
    return max(math.ceil(needed * design_effect), math.ceil(-math.log2(1 - level)))
