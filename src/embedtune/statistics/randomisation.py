"""Randomisation tests of paired differences, and corrections for testing several."""

from __future__ import annotations

import numpy as np

from embedtune.statistics.groups import Clusters, Scores
from embedtune.statistics.resampling import all_flips, sign_flips

_TIE = 1e-9
"""Statistics that differ by less are ties: the same sum, added up in another order."""


def sign_flip_p_values(clusters: Clusters, *, resamples: int, seed: int) -> tuple[Scores, Scores]:
    """One-sided p-values of "the mean difference is above 0", each alone and adjusted for testing all of them.

    If a candidate is no better than the reference, the difference of a group is as likely to have either sign: the
    signs of whole groups are flipped together, and p is the share of flips whose statistic reaches the observed one
    (Fisher's randomisation test; Smucker, Allan & Carterette 2007 recommend it for retrieval). Up to ``resamples``
    flips there are, all are tried and p is exact; else they are drawn, and the observed one counts among them, so that
    p is never 0 (Phipson & Smyth 2010).

    The statistic is the sum divided by its standard deviation under flips, so that candidates share a scale. Adjusted
    values control the chance of any false rejection by the step-down maximum over candidates (Westfall & Young 1993;
    advised for retrieval by Boytsov, Belova & Westfall 2013). Each flip holds for all candidates at once, so candidates
    that resemble each other cost less than under Bonferroni or Holm.

    Args:
        clusters: Differences, candidate minus reference, plus the margin if any.
        resamples: How many flips at most.
        seed: The same seed gives the same p-values.

    Returns:
        p-values and adjusted p-values, each of shape (candidates,).
    """
    scales = np.sqrt((clusters.sums**2).sum(axis=0))
    scaled = clusters.sums / np.where(scales > 0, scales, 1)
    observed = scaled.sum(axis=0)
    order = np.argsort(-observed, kind="stable")
    reached, reached_by_rest, flips = np.zeros(len(order)), np.zeros(len(order)), 0
    for signs in sign_flips(clusters.count, resamples, seed):
        statistics = (signs @ scaled)[:, order]
        # The largest among a candidate and those ranked below it.
        maxima = np.maximum.accumulate(statistics[:, ::-1], axis=1)[:, ::-1]
        reached += np.count_nonzero(statistics >= observed[order] - _TIE, axis=0)
        reached_by_rest += np.count_nonzero(maxima >= observed[order] - _TIE, axis=0)
        flips += len(signs)
    drawn = 0 if all_flips(clusters.count, resamples) else 1
    p_values, adjusted = np.empty(len(order)), np.empty(len(order))
    p_values[order] = (reached + drawn) / (flips + drawn)
    adjusted[order] = np.maximum.accumulate((reached_by_rest + drawn) / (flips + drawn))
    return p_values, adjusted
