"""The order of a study's trials, defined once: whatever says "best" uses it. Pure.

Trials that ended with a score come first, the largest value on top. A pruned trial counts by the score it reached: it
had less training than the others, but the score was measured, and the weights that have it are kept. Of equal values a
complete trial comes before a pruned one, then the earlier before the later. With two objectives the Pareto front comes
before the trials it dominates. Trials that break a constraint of the study come after all that keep them. Last are
those without a score, by state; a value that is no finite number is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from embedtune.records import State, TrialRecord

ENDED = (State.COMPLETE, State.PRUNED)
"""States in which a trial's value is its score."""

ORDER = (*ENDED, State.RUNNING, State.WAITING, State.FAIL)
"""Of equal values, and without one, states come in this order."""

INFEASIBLE = "infeasible"
"""The state, for people, of a trial that ended with a score and breaks a constraint."""

Point = tuple[float, float]


def is_scored(record: TrialRecord) -> bool:
    """Whether this is a trial that ended with a score."""
    return not record.is_baseline and record.state in ENDED and _is_finite(record.value)


def best_first(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """All trials in the order of the leaderboard."""
    records = list(records)
    front = front_numbers(records)

    def place(record: TrialRecord) -> tuple[bool, int, bool, bool, float, int, int]:
        state, scored = ORDER.index(record.state), is_scored(record)
        value = record.value if record.value is not None and _is_finite(record.value) else -math.inf
        group = 0 if scored else state
        return not scored, group, not record.feasible, record.number not in front, -value, state, record.number

    return sorted(records, key=place)


def rank(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """The trials that ended with a score, best first."""
    return best_first(filter(is_scored, records))


def best(records: Iterable[TrialRecord]) -> TrialRecord | None:
    """The first of the leaderboard; None before a trial has ended with a score."""
    return next(iter(rank(records)), None)


def untuned_of(record: TrialRecord, baselines: Iterable[TrialRecord]) -> TrialRecord | None:
    """The untuned base model of a trial; None where it was not measured.

    Records of older versions have no revision, and then the name decides.
    """
    named = [untuned for untuned in baselines if untuned.base[0] == record.base[0]]
    return next((untuned for untuned in named if untuned.base == record.base), next(iter(named), None))


def best_untuned(baselines: Iterable[TrialRecord]) -> TrialRecord | None:
    """The untuned base model with the largest value, of equal ones the first; None if none has a value."""
    valued = [record for record in baselines if _is_finite(record.value)]
    return max(valued, key=lambda record: record.value or 0.0, default=None)


def state_word(record: TrialRecord) -> str:
    """The state of a trial for people: ``infeasible`` where its score does not count beside those of others."""
    return INFEASIBLE if is_scored(record) and not record.feasible else record.state.value


def pareto_front(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """The trials that none dominates, equal ones included; from the best in the first objective to that in the second.

    A trial dominates another if it is at least as good in both objectives and better in one (Deb, Pratap, Agarwal and
    Meyarivan, A fast and elitist multiobjective genetic algorithm: NSGA-II, 2002). With one objective there is no
    front; the untuned base model and trials that break a constraint are on none.
    """
    placed = [(point, record) for record in records if (point := _point(record)) is not None]
    front: list[TrialRecord] = []
    last: Point = (math.inf, -math.inf)
    for point, record in sorted(placed, key=_falling):
        if point[1] > last[1] or point == last:
            front.append(record)
            last = point
    return front


def front_numbers(records: Iterable[TrialRecord]) -> frozenset[int]:
    """The numbers of the trials on the Pareto front."""
    return frozenset(record.number for record in pareto_front(records))


def by_crowding_distance(front: Sequence[TrialRecord]) -> list[TrialRecord]:
    """A Pareto front in the order in which to keep its trials: its ends first, then those with most room around them.

    The crowding distance of NSGA-II (Deb et al. 2002): over both objectives, the gap between the neighbours as a share
    of the whole front.
    """
    points = [point for trial in front if (point := _point(trial)) is not None]
    assert len(points) == len(front)
    spans = [max(point[i] for point in points) - min(point[i] for point in points) for i in (0, 1)] if points else []

    def distance(place: int) -> float:
        if place in (0, len(points) - 1):
            return math.inf
        before, after = points[place - 1], points[place + 1]
        return sum(abs(after[i] - before[i]) / spans[i] for i in (0, 1) if spans[i] > 0)

    return [front[place] for place in sorted(range(len(front)), key=lambda place: (-distance(place), place))]


def _point(record: TrialRecord) -> Point | None:
    """Both objectives of a trial that may be on a front, the larger the better."""
    point = record.point
    return point if is_scored(record) and record.feasible and point is not None and _is_finite(point[1]) else None


def _falling(placed: tuple[Point, TrialRecord]) -> tuple[float, float, int, int]:
    (first, second), record = placed
    return -first, -second, ORDER.index(record.state), record.number


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
