"""The front of a study with two objectives: the trials that no other beats in both. Pure.

A trial dominates another if it is at least as good in both objectives and better in one (Deb, Pratap, Agarwal and
Meyarivan, A fast and elitist multiobjective genetic algorithm: NSGA-II, 2002). With one objective there is no front.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from embedtune.records import State, TrialRecord

ENDED = (State.COMPLETE, State.PRUNED)
"""States whose values count."""

Point = tuple[float, float]


def front(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """The trials that none dominates, equal ones included; from the best in the first objective to that in the second.

    The untuned base model and trials without finite values are not among them.
    """
    placed = [(point, record) for record in records if (point := _point(record)) is not None]
    found: list[TrialRecord] = []
    last: Point = (math.inf, -math.inf)
    for point, record in sorted(placed, key=lambda item: (-item[0][0], -item[0][1], item[1].number)):
        if point[1] > last[1] or point == last:
            found.append(record)
            last = point
    return found


def front_numbers(records: Iterable[TrialRecord]) -> frozenset[int]:
    """The numbers of the trials on the front."""
    return frozenset(record.number for record in front(records))


def spread(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """A front in the order in which to keep its trials: the ends first, then those with most room around them.

    The room is the crowding distance of NSGA-II (Deb et al. 2002): over both objectives, the gap between the
    neighbours as a share of the whole front.
    """
    points = [point for trial in trials if (point := _point(trial)) is not None]
    assert len(points) == len(trials)
    spans = [max(point[i] for point in points) - min(point[i] for point in points) for i in (0, 1)] if points else []

    def room(place: int) -> float:
        if place in (0, len(points) - 1):
            return math.inf
        before, after = points[place - 1], points[place + 1]
        return sum(abs(after[i] - before[i]) / spans[i] for i in (0, 1) if spans[i] > 0)

    return [trials[place] for place in sorted(range(len(trials)), key=lambda place: (-room(place), place))]


def second_label(second: int | str | None) -> str:
    """The heading of a second objective: a dimension at which quality is read, or the dimension itself."""
    return f"@{second}d" if isinstance(second, int) else "dimension"


def second_text(record: TrialRecord) -> str:
    """The second objective for people; empty without a value."""
    if record.second is None:
        return ""
    return f"{record.second:.4f}" if isinstance(record.facts.get("second"), int) else f"{record.second:.0f}"


def _point(record: TrialRecord) -> Point | None:
    if record.is_baseline or record.state not in ENDED or record.point is None or not record.feasible:
        return None
    return record.point if all(map(math.isfinite, record.point)) else None
