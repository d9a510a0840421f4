from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from embedtune.config import Config, DataConfig, ModelConfig, StudyConfig
from embedtune.errors import ConfigError
from embedtune.paths import StudyPaths
from embedtune.records import TaskData
from embedtune.sweep.definition import define_study, load_definition, require_definition, save_definition, study_name

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
    definition = define_study(Config(study=StudyConfig(name="s")), TASK, 384)
    save_definition(study, definition)
    save_definition(study, {**definition, "n_trials": 50, "code_version": "9"})
    stored = load_definition(study)
    assert stored is not None
    assert stored["n_trials"] == 50


def test_save_definition_says_every_difference(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    config = Config(study=StudyConfig(name="s"))
    save_definition(study, define_study(config, TASK, 384, space={"train.epochs": "choice(1, 2)"}))
    changed = replace(config, train=replace(config.train, learning_rate=1e-3))
    other = replace(TASK, digests={"validation": "xyz", "training": "def"})
    with pytest.raises(ConfigError) as caught:
        save_definition(study, define_study(changed, other, 384, space={"train.epochs": "choice(1, 3)"}))
    message = str(caught.value)
    assert "space.train.epochs was choice(1, 2), now choice(1, 3)" in message
    assert "digests.validation was abc, now xyz" in message
    assert "recipe.train.learning_rate was 5e-05, now 0.001" in message
    assert "training" not in message


def test_save_definition_ignores_what_only_costs_time(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path / "s")
    config = Config(study=StudyConfig(name="s"))
    save_definition(study, define_study(config, TASK, 384))
    faster = replace(config, eval=replace(config.eval, batch_size=128), train=replace(config.train, device="cpu"))
    save_definition(study, define_study(faster, TASK, 384))


def test_require_definition_names_the_studies(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"study\.name must name a study, but got nope\. .*: a, b\."):
        require_definition(StudyPaths(tmp_path / "nope"), ["a", "b"])
