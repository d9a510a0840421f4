from __future__ import annotations

from typing import Any

import pytest

from embedtune.errors import ConfigError
from embedtune.records import State, TrialRecord
from embedtune.release.choice.candidates import finalists


def trial(number: int, value: float | None = 0.5, *, kept: bool = True, **more: Any) -> TrialRecord:
    state = more.pop("state", State.COMPLETE if value is not None else State.FAIL)
    return TrialRecord("s", number, state, value=value, checkpoint=f"/c/{number}" if kept else None, **more)


def numbers(records: list[TrialRecord]) -> list[int]:
    return [record.number for record in records]


def test_finalists_are_the_best_that_keep_weights() -> None:
    records = [trial(0, 0.5), trial(1, 0.7), trial(2, 0.9, kept=False), trial(3, None), trial(4, 0.7), trial(5, 0.6)]

    assert numbers(finalists(records, None, limit=3, number=None)) == [1, 4, 5]


def test_pruned_trials_may_be_finalists_and_running_ones_not() -> None:
    records = [trial(0, 0.5, state=State.PRUNED), trial(1, 0.9, state=State.RUNNING), trial(2, 0.9, state=State.FAIL)]

    assert numbers(finalists(records, None, limit=5, number=None)) == [0]


def test_the_default_recipe_is_judged_whatever_its_rank_and_weights() -> None:
    records = [trial(0, 0.1, kept=False), trial(1, 0.7), trial(2, 0.6)]

    assert numbers(finalists(records, records[0], limit=1, number=None)) == [1, 0]
    assert numbers(finalists(records, records[1], limit=1, number=None)) == [1]


def test_a_named_trial_stands_alone() -> None:
    records = [trial(0, 0.5), trial(1, 0.7), trial(2, kept=False)]

    assert numbers(finalists(records, records[1], limit=5, number=0)) == [0]
    with pytest.raises(ConfigError, match=r"must be a trial that keeps its weights, but got 2\. There are: 0, 1\."):
        finalists(records, None, limit=5, number=2)


def test_trials_that_break_constraints_are_released_by_name_alone() -> None:
    broken = trial(0, 0.9, facts={"constraints": {"seconds <= 600": 3.0}})

    assert numbers(finalists([broken, trial(1, 0.5)], broken, limit=5, number=None)) == [1]
    assert numbers(finalists([broken], None, limit=5, number=0)) == [0]
    with pytest.raises(ConfigError, match="the study's constraints"):
        finalists([broken], None, limit=5, number=None)


@pytest.mark.parametrize("records", [[], [trial(0, kept=False)], [trial(0, None)]])
def test_a_study_without_weights_has_no_finalist(records: list[TrialRecord]) -> None:
    with pytest.raises(ConfigError, match=r"it has none\. Run the study first"):
        finalists(records, None, limit=5, number=None)
