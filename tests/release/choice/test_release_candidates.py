from __future__ import annotations

from typing import Any

import pytest

from embedtune.errors import ConfigError
from embedtune.records import State, TrialRecord
from embedtune.release.choice.candidates import default_trial, finalists

DEFINITION = {
    "model": {"name": "tiny"},
    "recipe": {
        "train": {"batch_size": 20, "learning_rate": 5e-5, "batch_sampler": "plain"},
        "loss": {"matryoshka": {"weights": {}}},
        "eval": {},
    },
}


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


def test_default_trial_has_every_searched_value_of_the_recipe() -> None:
    default = {"train.batch_size": 20, "train.batch_sampler": "plain", "loss.matryoshka.weights.64": 1.0}
    records = [
        trial(0, params={**default, "train.batch_size": 32}),
        trial(1, None, params=default),  # failed; its retry stands for it
        trial(2, params={**default, "loss.matryoshka.weights.64": 0.5}),
        trial(4, params=default),
        trial(3, params={**default, "model.name": "tiny"}),
    ]

    found = default_trial(records, DEFINITION)

    assert found is not None
    assert found.number == 3


def test_the_size_a_model_is_read_at_is_no_part_of_its_recipe() -> None:
    default = trial(0, params={"train.batch_size": 20, "eval.dim": 384})

    assert default_trial([default, trial(1, params={"train.batch_size": 32, "eval.dim": 64})], DEFINITION) is default


@pytest.mark.parametrize(
    "params", [{"loss": "plain"}, {"train.unknown": 1}, {"train.batch_size.deep": 20}, {"model.name": "other"}]
)
def test_a_value_the_recipe_does_not_tell_is_not_its_default(params: dict[str, Any]) -> None:
    assert default_trial([trial(0, params=params)], DEFINITION) is None


def test_single_runs_have_no_default() -> None:
    assert default_trial([trial(0)], {**DEFINITION, "recipe": {}}) is None
