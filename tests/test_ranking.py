"""The front against the definition of dominance, and the order in which it keeps its trials."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtune.ranking import front, front_numbers, second_label, second_text, spread
from embedtune.records import Evaluation, State, TrialRecord

# Few different values, so that ties are common.
POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20)


def trial(number: int, value: float | None, second: float | None, **changes: Any) -> TrialRecord:
    fields: dict[str, Any] = {"state": State.COMPLETE, "facts": {"second": 32}} | changes
    return TrialRecord("s", number, value=value, second=second, **fields)


def trials(*points: tuple[float, float], **changes: Any) -> list[TrialRecord]:
    return [trial(number, value, second, **changes) for number, (value, second) in enumerate(points)]


@given(POINTS)
def test_front_is_what_no_other_dominates(points: list[tuple[int, int]]) -> None:
    def dominated(mine: tuple[int, int]) -> bool:
        return any(other[0] >= mine[0] and other[1] >= mine[1] and other != mine for other in points)

    expected = {number for number, point in enumerate(points) if not dominated(point)}
    found = front(trials(*points))
    assert front_numbers(trials(*points)) == expected == {record.number for record in found}
    assert [record.value for record in found] == sorted((record.value for record in found), reverse=True)
    assert [record.second for record in found] == sorted(record.second for record in found)


@given(POINTS)
def test_spread_keeps_the_whole_front_and_begins_with_its_ends(points: list[tuple[int, int]]) -> None:
    found = front(trials(*points))
    kept = spread(found)
    assert sorted(record.number for record in kept) == sorted(record.number for record in found)
    assert kept[:1] == found[:1]
    if len(found) > 1:
        assert kept[1] == found[-1]


def test_a_smaller_dimension_is_better() -> None:
    sized = trials((0.8, 384), (0.8, 128), (0.7, 64), (0.6, 128), facts={"second": "dimension"})
    assert [record.number for record in front(sized)] == [1, 2]


def test_spread_prefers_the_trial_with_most_room() -> None:
    crowded = trials((1.0, 0.0), (0.99, 0.01), (0.5, 0.5), (0.02, 0.98), (0.0, 1.0))
    assert [record.number for record in spread(front(crowded))] == [0, 4, 2, 1, 3]


def test_front_has_only_ended_trials_with_two_finite_values() -> None:
    odd = [
        trial(0, 0.5, 0.5),
        trial(1, 0.9, 0.9, state=State.FAIL),
        trial(2, 0.9, 0.9, state=State.RUNNING),
        trial(3, 0.9, None),
        trial(4, None, None),
        trial(5, math.nan, 0.9),
        trial(6, 0.9, math.inf),
        trial(-1, 0.9, 0.9),
        trial(8, 0.6, 0.1, state=State.PRUNED),
    ]
    assert [record.number for record in front(odd)] == [8, 0]
    assert front([]) == spread([]) == []


def test_with_one_objective_there_is_no_front() -> None:
    assert front([trial(0, 0.5, None), trial(1, 0.6, None)]) == []


def test_both_objectives_as_text() -> None:
    assert (second_label(32), second_label("dimension")) == ("@32d", "dimension")
    assert second_text(trial(0, 0.5, 0.25)) == "0.2500"
    assert second_text(trial(0, 0.5, 128.0, facts={"second": "dimension"})) == "128"
    assert second_text(trial(0, None, None)) == ""


@pytest.mark.parametrize(("second", "merit"), [(None, 0.6), (0.2, 0.4)])
def test_merit_of_an_evaluation_is_the_mean_of_its_qualities(second: float | None, merit: float) -> None:
    assert Evaluation(1, 1.0, 0.6, {}, 0.0, 0, second=second).merit == pytest.approx(merit)


def test_record_with_two_objectives_survives_json() -> None:
    record = trial(3, 0.5, 0.25)
    assert TrialRecord.from_dict(record.to_dict()) == record
    old = {key: value for key, value in record.to_dict().items() if key != "second"}
    assert TrialRecord.from_dict(old).second is None
