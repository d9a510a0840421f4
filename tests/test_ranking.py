"""The order of trials as its docstring says it, and the Pareto front against the definition of dominance."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtune.ranking import (
    best,
    best_first,
    by_crowding_distance,
    front_numbers,
    pareto_front,
    rank,
    state_word,
)
from embedtune.records import Evaluation, State, TrialRecord

# Few different values, so that ties are common.
POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20)


def trial(number: int, value: float | None, second: float | None, **changes: Any) -> TrialRecord:
    fields: dict[str, Any] = {"state": State.COMPLETE, "facts": {"second": 32}} | changes
    return TrialRecord("s", number, value=value, second=second, **fields)


def trials(*points: tuple[float, float], **changes: Any) -> list[TrialRecord]:
    return [trial(number, value, second, **changes) for number, (value, second) in enumerate(points)]


VALUES = st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.just(math.nan)
ROWS = st.lists(
    st.tuples(VALUES, st.none() | st.sampled_from([0.1, 0.2]), st.sampled_from(list(State)), st.booleans()), max_size=10
)
SCORED = (State.COMPLETE, State.PRUNED)
LAST = (State.RUNNING, State.WAITING, State.FAIL)


def made(rows: list[tuple[float | None, float | None, State, bool]]) -> list[TrialRecord]:
    return [
        trial(number, value, second, state=state, facts={"second": 32, "constraints": {"steps <= 9": float(broken)}})
        for number, (value, second, state, broken) in enumerate(rows)
    ]


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_given(rows: Any, chance: Any) -> None:
    records = made(rows)
    shuffled = chance.sample(records, len(records))
    assert [record.number for record in best_first(shuffled)] == [record.number for record in best_first(records)]
    assert {record.number for record in best_first(records)} == set(range(len(rows)))


@given(ROWS)
def test_every_trial_stands_where_the_rules_say(rows: Any) -> None:
    ordered, front = best_first(made(rows)), front_numbers(made(rows))
    ranked = rank(made(rows))
    assert ordered[: len(ranked)] == ranked
    assert best(made(rows)) == (ranked[0] if ranked else None)
    for first, then in pairwise(ranked):
        assert first.value is not None
        assert then.value is not None
        places = [(not own.feasible, own.number not in front, -(own.value or 0.0)) for own in (first, then)]
        assert places == sorted(places)
        if places[0] == places[1]:
            assert (first.state is State.PRUNED, first.number) < (then.state is State.PRUNED, then.number)
    states = [SCORED.index(own.state) if own.state in SCORED else LAST.index(own.state) + 2 for own in ordered]
    assert states[len(ranked) :] == sorted(states[len(ranked) :])
    assert all(own.state not in SCORED or own.value is None or math.isnan(own.value) for own in ordered[len(ranked) :])


def test_a_pruned_trial_counts_by_the_score_it_reached_and_comes_second_of_equals() -> None:
    records = [
        trial(0, 0.5, None, state=State.PRUNED),
        trial(1, 0.5, None),
        trial(2, 0.6, None, state=State.PRUNED),
        trial(3, 0.9, None, state=State.FAIL),
        trial(4, None, None),
        trial(5, 0.5, None),
    ]
    assert [record.number for record in rank(records)] == [2, 1, 5, 0]
    assert [record.number for record in best_first(records)] == [2, 1, 5, 0, 4, 3]


def test_a_trial_that_breaks_a_constraint_ranks_below_all_that_keep_it() -> None:
    broken = trial(0, 0.9, None, facts={"constraints": {"seconds <= 1": 3.0, "steps <= 9": -1.0}})
    kept = trial(1, 0.1, None, state=State.PRUNED, facts={"constraints": {"seconds <= 1": 0.0}})
    failed = trial(2, None, None, state=State.FAIL, facts={"constraints": {"seconds <= 1": 3.0}})
    assert [record.number for record in best_first([failed, broken, kept])] == [1, 0, 2]
    assert [state_word(record) for record in (broken, kept, failed)] == ["infeasible", "pruned", "fail"]


def test_the_untuned_model_has_no_rank() -> None:
    assert rank([trial(-1, 0.9, None)]) == []
    assert best([]) is None


@given(POINTS)
def test_front_is_what_no_other_dominates(points: list[tuple[int, int]]) -> None:
    def dominated(mine: tuple[int, int]) -> bool:
        return any(other[0] >= mine[0] and other[1] >= mine[1] and other != mine for other in points)

    expected = {number for number, point in enumerate(points) if not dominated(point)}
    found = pareto_front(trials(*points))
    assert front_numbers(trials(*points)) == expected == {record.number for record in found}
    assert [record.value for record in found] == sorted((record.value for record in found), reverse=True)
    assert [record.second for record in found] == sorted(record.second for record in found)


@given(POINTS)
def test_crowding_distance_orders_the_whole_front_and_begins_with_its_ends(points: list[tuple[int, int]]) -> None:
    found = pareto_front(trials(*points))
    kept = by_crowding_distance(found)
    assert sorted(record.number for record in kept) == sorted(record.number for record in found)
    assert kept[:1] == found[:1]
    if len(found) > 1:
        assert kept[1] == found[-1]


def test_a_smaller_dimension_is_better() -> None:
    sized = trials((0.8, 384), (0.8, 128), (0.7, 64), (0.6, 128), facts={"second": "dimension"})
    assert [record.number for record in pareto_front(sized)] == [1, 2]


def test_crowding_distance_prefers_the_trial_with_most_room() -> None:
    crowded = trials((1.0, 0.0), (0.99, 0.01), (0.5, 0.5), (0.02, 0.98), (0.0, 1.0))
    assert [record.number for record in by_crowding_distance(pareto_front(crowded))] == [0, 4, 2, 1, 3]


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
    assert [record.number for record in pareto_front(odd)] == [8, 0]
    assert pareto_front([]) == by_crowding_distance([]) == []


def test_with_one_objective_there_is_no_front() -> None:
    assert pareto_front([trial(0, 0.5, None), trial(1, 0.6, None)]) == []


@pytest.mark.parametrize(("second", "merit"), [(None, 0.6), (0.2, 0.4)])
def test_merit_of_an_evaluation_is_the_mean_of_its_qualities(second: float | None, merit: float) -> None:
    assert Evaluation(1, 1.0, 0.6, {}, 0.0, 0, second=second).merit == pytest.approx(merit)


def test_record_with_two_objectives_survives_json() -> None:
    record = trial(3, 0.5, 0.25)
    assert TrialRecord.from_dict(record.to_dict()) == record
    old = {key: value for key, value in record.to_dict().items() if key != "second"}
    assert TrialRecord.from_dict(old).second is None
