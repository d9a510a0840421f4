from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from embedtune.config import Config, DataConfig, Distractors, ModelConfig, StudyConfig
from embedtune.errors import ConfigError
from embedtune.paths import StudyPaths, Workspace
from embedtune.records import Objective, Search, SecondObjective, StudyDefinition, TaskData
from embedtune.study.definition import (
    define_study,
    free_name,
    load_definition,
    require_definition,
    save_definition,
    study_name,
)

AT_384 = Objective("cosine_map@100", 384)
TASK = TaskData("files", "somewhere", (), {}, {"validation": "abc", "training": "def"})


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (Config(), "pydocs-minilm"),
        (Config(data=DataConfig(name="my data", source="files", path="x")), "my-data-minilm"),
        (Config(data=DataConfig(name="faq", source="files", path="a/b")), "faq-minilm"),
        (Config(model=ModelConfig(name="BAAI/bge-base-en-v1.5")), "pydocs-bge-base-en-v1.5"),
        (Config(data=DataConfig(name="ü", source="files", path="my data/ü")), "minilm"),
        (Config(study=StudyConfig(name="mine")), "mine"),
    ],
)
def test_study_name(config: Config, expected: str) -> None:
    assert study_name(config) == expected


def test_study_name_single_runs_stay_apart() -> None:
    assert study_name(Config(), "single") == "pydocs-minilm-single"


def test_save_definition_again_with_another_budget(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    definition = define_study(Config(study=StudyConfig(name="s")), TASK, AT_384, Search())
    save_definition(study, definition)
    save_definition(study, replace(definition, n_trials=50, code_version="9"))
    stored = load_definition(study)
    assert stored is not None
    assert stored.n_trials == 50


def test_save_definition_says_every_difference(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    config = Config(study=StudyConfig(name="s"))
    save_definition(study, define_study(config, TASK, AT_384, Search(space={"train.epochs": "choice(1, 2)"})))
    changed = replace(config, train=replace(config.train, learning_rate=1e-3))
    other = replace(TASK, digests={"validation": "xyz", "training": "def"})
    with pytest.raises(ConfigError) as caught:
        save_definition(study, define_study(changed, other, AT_384, Search(space={"train.epochs": "choice(1, 3)"})))
    message = str(caught.value)
    assert "space.train.epochs was choice(1, 2), now choice(1, 3)" in message
    assert "digests.validation was abc, now xyz" in message
    assert "recipe.train.learning_rate was 5e-05, now 0.001" in message
    assert "training" not in message


def test_save_definition_ignores_what_only_costs_time(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    config = Config(study=StudyConfig(name="s"))
    save_definition(study, define_study(config, TASK, AT_384, Search()))
    faster = replace(config, eval=replace(config.eval, batch_size=128), train=replace(config.train, device="cpu"))
    save_definition(study, define_study(faster, TASK, AT_384, Search()))


def test_a_study_from_before_a_key_existed_goes_on_with_its_default(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    config = Config(study=StudyConfig(name="s"))
    old = define_study(config, TASK, AT_384, Search()).to_dict()
    del old["recipe"]["eval"]["folds"], old["recipe"]["eval"]["distractors"], old["recipe"]["train"]["chunks"]
    save_definition(study, StudyDefinition.from_dict(old))
    save_definition(study, define_study(config, TASK, AT_384, Search()))
    stored = load_definition(study)
    assert stored is not None
    assert stored.recipe["eval"]["folds"] == 0


@pytest.mark.parametrize(("key", "value", "was"), [("folds", 3, "0"), ("distractors", Distractors.train, "none")])
@pytest.mark.parametrize("search", [Search(), None], ids=["sweep", "single"])
def test_trials_judged_in_another_way_are_another_study(
    tmp_path: Path, key: str, value: object, was: str, search: Search | None
) -> None:
    study = StudyPaths(tmp_path / "s")
    config = Config(study=StudyConfig(name="s"))
    save_definition(study, define_study(config, TASK, AT_384, search))
    changed = replace(config, eval=replace(config.eval, **{key: value}))
    with pytest.raises(ConfigError, match=rf"recipe\.eval\.{key} was {was}, now {getattr(value, 'name', value)}"):
        save_definition(study, define_study(changed, TASK, AT_384, search))


def test_save_definition_with_other_rules_is_refused(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    config = Config(study=StudyConfig(name="s"))
    save_definition(study, define_study(config, TASK, AT_384, Search(constraints=["seconds <= 10"])))
    with pytest.raises(ConfigError, match=r"constraints was \['seconds <= 10'\], now None.*study\.on_change=new"):
        save_definition(study, define_study(config, TASK, AT_384, Search()))


def test_save_definition_takes_what_a_study_began_with_as_no_difference(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    config = Config(study=StudyConfig(name="s"))
    save_definition(study, define_study(config, TASK, AT_384, Search(warm_start="other")))
    save_definition(study, define_study(config, TASK, AT_384, Search()))


def test_free_name_goes_on_with_the_study_of_this_definition(tmp_path: Path) -> None:
    space = Workspace(tmp_path, tmp_path, tmp_path)
    config = Config(study=StudyConfig(name="s"))
    searches = [Search(space={"train.epochs": f"choice(1, {n})"}) for n in (2, 3, 4)]
    definitions = [define_study(config, TASK, AT_384, search) for search in searches]
    for definition, name in zip(definitions, ("s", "s-2", "s-3"), strict=True):
        assert free_name(space, definition) == name
        save_definition(space.study(name), replace(definition, name=name))
    assert [free_name(space, definition) for definition in definitions] == ["s", "s-2", "s-3"]


def test_require_definition_names_the_studies(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"study\.name must name a study, but got nope\. .*: a, b\."):
        require_definition(StudyPaths(tmp_path / "nope"), ["a", "b"])


def test_another_second_objective_is_another_study(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    config = Config(study=StudyConfig(name="s"))
    before = define_study(config, TASK, AT_384, Search()).to_dict()
    del before["second"]  # as it was before there were two objectives
    save_definition(study, StudyDefinition.from_dict(before))
    save_definition(study, define_study(config, TASK, AT_384, Search()))
    with pytest.raises(ConfigError, match="second was None, now 64"):
        save_definition(study, define_study(config, TASK, replace(AT_384, second=SecondObjective(64)), Search()))
