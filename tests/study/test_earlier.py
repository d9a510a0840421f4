"""A study that was begun with an earlier default goes on with it; one that was not takes today's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from embedtune.config import Config, ModelConfig, read_choice
from embedtune.paths import StudyPaths
from embedtune.records import Objective, Search, StudyDefinition, TaskData
from embedtune.study.definition import define_study, save_definition
from embedtune.study.earlier import PRUNER, PRUNER_BEFORE, as_begun


@pytest.fixture
def definition() -> StudyDefinition:
    search = Search(space={"train.epochs": "choice(1, 2)"}, pruner=read_choice("pruner", PRUNER))
    config = Config(model=ModelConfig("tiny"))
    task = TaskData("small", "here", (), {}, {"training": "digest"})
    return define_study(config, task, Objective("cosine_map@100", 64), search)


def test_it_is_the_default_of_a_search() -> None:
    assert {"/pruner": PRUNER} in read_choice("sweep", "optuna")["defaults"]


def test_a_new_study_takes_todays(definition: StudyDefinition, tmp_path: Path) -> None:
    assert as_begun(StudyPaths(tmp_path / definition.name), definition) == definition


def test_an_earlier_one_goes_on_with_its_own(definition: StudyDefinition, tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / definition.name)
    begun = replace(definition, search=replace(definition.search, pruner=read_choice("pruner", PRUNER_BEFORE)))
    save_definition(study, begun)
    assert as_begun(study, replace(definition, n_trials=9)) == replace(begun, n_trials=9)
    other = replace(
        definition, search=replace(definition.search, pruner={**definition.search.pruner, "percentile": 25.0})
    )
    assert as_begun(study, other) == other, "one that is typed is refused as any difference"
    elsewhere = replace(definition, search=replace(definition.search, space={"train.epochs": "choice(1, 3)"}))
    assert as_begun(study, elsewhere) == elsewhere
