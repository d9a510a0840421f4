"""Whether the candidate put forward may be promoted. Pure.

One-sided tests on paired differences of the queries' scores, all of which must succeed at the level, so that no
correction between them is due (intersection-union test, Berger 1982): better than the untuned model, where several base
models were searched also than the best untuned one, and not worse than the incumbent by more than a margin
(non-inferiority). On the test split one candidate is judged, which was chosen
without it. Without a test split the scores that chose the candidate must judge it too; then the p-values are
adjusted over everything that was tried (max-T of Westfall & Young 1993).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embedtune.statistics import Comparison, Criterion, compare, queries_needed

Scores = NDArray[np.float64]

CHOSEN = "chosen"
"""The name of the judged candidate where it stands alone."""


@dataclass(frozen=True)
class Check:
    """One of the tests.

    Attributes:
        against: What the candidate was compared with.
        margin: What was taken off that one's scores.
        comparison: The paired comparison.
        passed: Whether its adjusted p-value is at most 1 - level.
        queries_needed: How many queries would show the observed difference with a power of 0.8; None if it has the
            wrong sign, so that no number would.
    """

    against: str
    margin: float
    comparison: Comparison
    passed: bool
    queries_needed: int | None


@dataclass(frozen=True)
class Verdict:
    """The gate's answer."""

    checks: tuple[Check, ...]

    @property
    def promoted(self) -> bool:
        """Whether every test succeeded."""
        return all(check.passed for check in self.checks)

    @property
    def queries_needed(self) -> int | None:
        """The largest number that a failed test would have needed; None if none failed or no number would suffice."""
        numbers = [check.queries_needed for check in self.checks if not check.passed]
        return None if None in numbers else max((number for number in numbers if number is not None), default=None)


def judge(
    chosen: Scores,
    untuned: Mapping[str, Scores],
    groups: NDArray[np.intp],
    *,
    incumbent: Scores | None = None,
    tried: Mapping[str, Scores] | None = None,
    criterion: Criterion,
) -> Verdict:
    """Compare the candidate with untuned models and with the incumbent; all tests must succeed.

    Args:
        chosen: The candidate's score of each query, of shape (queries,).
        untuned: Those of each untuned model that it must be better than, by name.
        groups: Of the queries.
        incumbent: The scores of the model in use; None if there is none.
        tried: On the split that chose: the scores of everything that was tried, by any name. None on a sealed split.
        criterion: Its margin is that of the incumbent.
    """
    candidates = {**(tried or {}), CHOSEN: chosen}
    strict = replace(criterion, margin=0.0)
    checks = [_check(name, candidates, scores, groups, strict) for name, scores in untuned.items()]
    if incumbent is not None:
        checks.append(_check("incumbent", candidates, incumbent, groups, criterion))
    return Verdict(tuple(checks))


def _check(
    against: str, candidates: Mapping[str, Scores], reference: Scores, groups: NDArray[np.intp], criterion: Criterion
) -> Check:
    comparison = compare(candidates, reference, groups, criterion)[CHOSEN]
    return Check(
        against, criterion.margin, comparison, criterion.met_by(comparison), needed(comparison, criterion.level)
    )


def needed(comparison: Comparison, level: float) -> int | None:
    """How many queries would show the observed difference, if further ones came in groups like these."""
    return queries_needed(
        comparison.mean + comparison.margin,
        comparison.deviation,
        level=level,
        design_effect=max(1.0, comparison.design_effect),
    )
