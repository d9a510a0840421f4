from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embedtune import archive
from embedtune.paths import StudyPaths
from embedtune.records import DataSource, Objective, Search, State, StudyDefinition, TrialRecord
from embedtune.study.default_trial import default_trial

RECIPE = {
    "train": {"batch_size": 20, "learning_rate": 5e-5, "batch_sampler": "plain"},
    "loss": {"matryoshka": {"weights": {}}},
    "eval": {},
}
DEFINITION = StudyDefinition(
    "s", "sweep", Objective("cosine_map@100", 384), 9, Search(), DataSource("d", "x", {}), {"name": "tiny"}, RECIPE
)
NOWHERE = StudyPaths(Path("nowhere"))


def trial(number: int, value: float | None = 0.5, **more: Any) -> TrialRecord:
    return TrialRecord("s", number, State.FAIL if value is None else State.COMPLETE, value=value, **more)


def test_default_trial_has_every_searched_value_of_the_recipe() -> None:
    default = {"train.batch_size": 20, "train.batch_sampler": "plain", "loss.matryoshka.weights.64": 1.0}
    records = [
        trial(0, params={**default, "train.batch_size": 32}),
        trial(1, None, params=default),  # failed; its retry stands for it
        trial(2, params={**default, "loss.matryoshka.weights.64": 0.5}),
        trial(4, params=default),
        trial(3, params={**default, "model.name": "tiny"}),
    ]
    assert default_trial(NOWHERE, DEFINITION, records) == records[4]
    assert default_trial(NOWHERE, DEFINITION, records[:3]) is None


def test_the_size_a_model_is_read_at_is_no_part_of_its_recipe() -> None:
    default = trial(0, params={"train.batch_size": 20, "eval.dim": 384})
    other = trial(1, params={"train.batch_size": 32, "eval.dim": 64})
    assert default_trial(NOWHERE, DEFINITION, [default, other]) is default


@pytest.mark.parametrize(
    "params",
    [{"loss": "plain"}, {"train.unknown": 1}, {"train.batch_size.deep": 20}, {"model.name": "other"}],
)
def test_a_value_the_recipe_does_not_tell_is_not_its_default(params: dict[str, Any]) -> None:
    assert default_trial(NOWHERE, DEFINITION, [trial(0, params=params)]) is None


def test_a_file_of_a_group_is_judged_by_what_the_trial_was_composed_to(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    newer = {"max_seq_length": None, "key": "of a newer version"}
    for number, (model, loss) in enumerate([("other", RECIPE["loss"]), ("tiny", {}), ("tiny", RECIPE["loss"])]):
        record = trial(number, params={"model": "word", "loss": "matryoshka", "train.batch_size": 20})
        archive.write_header(study.trial(number), record, {"model": {"name": model, **newer}, "loss": loss})
        archive.write_result(study.trial(number), record)
    elsewhere = trial(3, params={"model": "word"})  # on another host
    found = default_trial(study, DEFINITION, [*archive.read_records(study), elsewhere])
    assert found is not None
    assert found.number == 2


def test_single_runs_of_older_versions_have_no_default() -> None:
    assert default_trial(NOWHERE, replace(DEFINITION, recipe={}), [trial(0)]) is None
