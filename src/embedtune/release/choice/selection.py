"""Which candidate is put forward, by its validation scores alone. Pure.

With the queries of a small team the best of many trials is mostly the luckiest. So those that cannot be told apart from
the best count as equal, and of equals the one that costs least is taken: the one-standard-error rule of Breiman,
Friedman, Olshen & Stone 1984 (Classification and Regression Trees, section 3.4.3), on paired differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedtune.release.choice.candidates import Candidate, Kind
from embedtune.statistics import indistinguishable


@dataclass(frozen=True)
class Selection:
    """The candidate put forward.

    Attributes:
        chosen: It.
        tied: Names of those that cannot be told apart from the best, the best first; alone if there is no tie.
        reason: Why, in one sentence.
    """

    chosen: Candidate
    tied: tuple[str, ...]
    reason: str


def select(candidates: Sequence[Candidate], groups: NDArray[np.intp], *, only_new: bool = False) -> Selection:
    """Take the best or, of those that cannot be told apart from it, the one that asks for the least change.

    The order among equals: the incumbent, the untuned model, the default recipe, then the least training time.

    Args:
        candidates: At least one that is new and has weights; names differ.
        groups: Of the queries, of shape (queries,).
        only_new: Leave out what there already is: the incumbent and the untuned model.
    """
    tied = indistinguishable({candidate.name: candidate.scores for candidate in candidates}, groups)
    eligible = [candidate for candidate in candidates if _is_eligible(candidate, only_new)]
    equals = [candidate for candidate in eligible if candidate.name in tied]
    if not equals:  # whatever is at the top may not be taken
        equals = _equals(eligible, groups)
    chosen = min(equals, key=_order)
    return Selection(chosen, tied, _reason(chosen, candidates, tied, equals, len(groups)))


def named(candidate: Candidate) -> Selection:
    """The candidate the user names."""
    return Selection(candidate, (candidate.name,), f"{candidate.name} is the one that release.trial names")


def _equals(eligible: Sequence[Candidate], groups: NDArray[np.intp]) -> list[Candidate]:
    tied = indistinguishable({candidate.name: candidate.scores for candidate in eligible}, groups)
    return [candidate for candidate in eligible if candidate.name in tied]


def _is_eligible(candidate: Candidate, only_new: bool) -> bool:
    return candidate.is_releasable or (not only_new and candidate.kind in (Kind.INCUMBENT, Kind.UNTUNED))


def _order(candidate: Candidate) -> tuple[bool, bool, bool, float, float, str]:
    return (
        candidate.kind is not Kind.INCUMBENT,
        candidate.kind is not Kind.UNTUNED,
        not candidate.is_default,
        candidate.seconds,
        -candidate.value,
        candidate.name,
    )


def _reason(
    chosen: Candidate,
    candidates: Sequence[Candidate],
    tied: Sequence[str],
    equals: Sequence[Candidate],
    queries: int,
) -> str:
    values = {candidate.name: candidate.value for candidate in candidates}
    best = tied[0]
    if chosen.name == best and len(tied) == 1:
        return f"{best} is best at {values[best]:.4f}, and every other is more than one standard error below it"
    if chosen.name not in tied and len(equals) == 1:
        return f"{chosen.name} is the best that can be released, at {chosen.value:.4f}; {best} has {values[best]:.4f}"
    names = tied if chosen.name in tied else [candidate.name for candidate in equals]
    others = ", ".join(name for name in names if name != chosen.name)
    equal = f"{chosen.name} cannot be told apart from {others} on {queries} queries, and {_advantage(chosen)}"
    if chosen.name in tied:
        return equal
    return f"{best} is best at {values[best]:.4f} but cannot be released; of the others {equal}"


def _advantage(chosen: Candidate) -> str:
    if chosen.kind is Kind.INCUMBENT:
        return "is in use already"
    if chosen.kind is Kind.UNTUNED:
        return "needs no training"
    return "is the default recipe" if chosen.is_default else "took the least time to train"
