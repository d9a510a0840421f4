"""The definition of a study, stored in ``study.yaml``: it decides whether two commands are the same study."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from embedtune import archive
from embedtune.config import Config, ModelConfig, plain, with_defaults
from embedtune.errors import ConfigError
from embedtune.machine.environment import git_revision, library_versions
from embedtune.paths import StudyPaths, Workspace, write_atomic
from embedtune.records import DataSource, Kind, Objective, Search, Settings, StudyDefinition, TaskData

IDENTITY = (
    "kind", "objective", "dim", "second", "space", "conditions", "constraints", "repeats", "sampler", "pruner",
    "digests", "model", "recipe",
)  # fmt: skip
"""The parts that must not change while a study continues; the budget may."""

RENAMED = {
    "embedtune.sweep.asking.GridSampler": "embedtune.sweep.GridSampler",
    "embedtune.sweep.query_pruner.QueryPruner": "embedtune.sweep.QueryPruner",
}
"""Addresses by which studies of older versions name a sampler or a pruner, and what they are now."""


def define_study(config: Config, task: TaskData, objective: Objective, search: Search | None = None) -> StudyDefinition:
    """The definition of a study.

    Args:
        config: Composed without any searched value.
        task: Its data.
        objective: Of this configuration.
        search: What a sweep searches and how; None for configurations run one by one.
    """
    kind: Kind = "single" if search is None else "sweep"
    return StudyDefinition(
        name=study_name(config, kind),
        kind=kind,
        objective=objective,
        n_trials=config.study.n_trials,
        search=search or Search(),
        data=DataSource(task.name, task.source, dict(task.digests), task.warnings),
        model=_model(config.model),
        recipe=_recipe(config, kind),
        code_version=library_versions().get("embedtune"),
        git_revision=git_revision(),
    )


def study_name(config: Config, kind: Kind = "sweep") -> str:
    """The name given, or one made of data and model; single configurations have a folder of their own."""
    if config.study.name is not None:
        return config.study.name
    name = folder_name(f"{config.data.label}-{model_word(config.model)}") or config.data.source
    return name if kind == "sweep" else f"{name}-single"


def model_word(model: ModelConfig) -> str:
    """The last part of a base model's name."""
    return model.name.rstrip("/").rpartition("/")[2]


def folder_name(text: str) -> str:
    """A text as the name of a folder; empty if nothing of it can be one."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")


def save_definition(study: StudyPaths, definition: StudyDefinition) -> None:
    """Store the definition; the code's version and the budget are those of the last command.

    Raises:
        ConfigError: The study was begun with another definition; says every difference.
    """
    check_definition(study, definition)
    write_atomic(study.definition, yaml.safe_dump(definition.to_dict(), sort_keys=False, allow_unicode=True))


def check_definition(study: StudyPaths, definition: StudyDefinition) -> None:
    """Check that a study of this folder continues as it was defined.

    Raises:
        ConfigError: It was begun with another definition; says every difference.
    """
    stored = load_definition(study)
    if stored is not None:
        require_same(study.name, stored, definition)


def require_same(name: str, stored: StudyDefinition, definition: StudyDefinition) -> None:
    """Check that a study continues as it was defined.

    Raises:
        ConfigError: It does not; says every difference.
    """
    differences = definition_differences(stored, definition)
    if differences:
        raise ConfigError(
            f"study.name={name} must go on as it was defined, but these differ: {'; '.join(differences)}. "
            "Take another study.name, add study.on_change=new, or type the command it was begun with."
        )


def definition_differences(stored: StudyDefinition, definition: StudyDefinition) -> list[str]:
    """The differences between a study's definition at its beginning and now."""
    recipe = with_defaults(stored.recipe, _recipe(Config(), definition.kind))
    model = with_defaults(stored.model, _model(ModelConfig()))
    search = replace(
        stored.search, sampler=with_address(stored.search.sampler), pruner=with_address(stored.search.pruner)
    )
    before, now = replace(stored, recipe=recipe, model=model, search=search).to_dict(), definition.to_dict()
    return _differences({key: before[key] for key in IDENTITY}, {key: now[key] for key in IDENTITY})


def with_address(strategy: Settings) -> Settings:
    """The configuration of a sampler or a pruner by the address its class has now."""
    target = strategy.get("_target_")
    return {**strategy, "_target_": RENAMED[target]} if target in RENAMED else strategy


def free_name(workspace: Workspace, definition: StudyDefinition) -> str:
    """The first name that no study has, or one that was begun with this definition: faq, faq-2, faq-3 and so on."""
    names = [definition.name]
    while stored := load_definition(workspace.study(names[-1])):
        if not definition_differences(stored, definition):
            break
        names.append(f"{names[0]}-{len(names) + 1}")
    return names[-1]


def load_definition(study: StudyPaths) -> StudyDefinition | None:
    """The stored definition; None if the study has none.

    Raises:
        RecordError: It cannot be read.
    """
    try:
        return archive.read_definition(study)
    except FileNotFoundError:
        return None


def readable_definitions(workspace: Workspace) -> Iterator[tuple[StudyPaths, StudyDefinition]]:
    """Every study there is; one whose definition cannot be read is named in a warning."""
    for study in workspace.studies():
        definition = archive.known_definition(study)
        if definition is not None:
            yield study, definition


def require_definition(study: StudyPaths, known: list[str], key: str = "study.name") -> StudyDefinition:
    """The stored definition.

    Raises:
        RecordError: It cannot be read.
        ConfigError: There is no such study; names those there are.
    """
    definition = load_definition(study)
    if definition is None:
        names = ", ".join(known) or "none yet"
        raise ConfigError(f"{key} must name a study, but got {study.name}. In {study.root.parent}: {names}.")
    return definition


def _model(model: ModelConfig) -> Settings:
    """The base model, without its customary learning rates, which stand in what is trained and searched."""
    values: dict[str, Any] = plain(model)
    values.pop("learning_rates")
    return values


def _recipe(config: Config, kind: Kind) -> dict[str, Settings]:
    """Settings that all trials share; single configurations share less: only what their values depend on."""
    recipe: dict[str, Any] = {name: plain(getattr(config, name)) for name in ("train", "loss", "eval")}
    for key in ("batch_size", "split", "objective", "dim", "second"):
        recipe["eval"].pop(key)  # speed alone, or said elsewhere
    recipe["train"].pop("device")
    return (
        recipe
        if kind == "sweep"
        else {"eval": {key: recipe["eval"][key] for key in ("distractors", "corpus", "folds")}}
    )


def _differences(stored: Any, new: Any, key: str = "") -> list[str]:
    if isinstance(stored, dict) and isinstance(new, dict):
        found: list[str] = []
        for name in [*stored, *(name for name in new if name not in stored)]:
            found += _differences(stored.get(name), new.get(name), f"{key}.{name}" if key else str(name))
        return found
    return [] if stored == new else [f"{key} was {stored}, now {new}"]
