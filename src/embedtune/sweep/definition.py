"""What makes two commands the same study: its definition, stored in ``study.yaml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from omegaconf import OmegaConf

from embedtune.config import Config
from embedtune.environment import git_revision, library_versions
from embedtune.errors import ConfigError
from embedtune.paths import StudyPaths, write_atomic
from embedtune.records import TaskData

IDENTITY = ("kind", "objective", "dim", "space", "sampler", "pruner", "digests", "model", "recipe")
"""The parts that must not change while a study goes on; the budget may."""


def define_study(
    config: Config,
    task: TaskData,
    dim: int,
    *,
    kind: str = "sweep",
    space: Mapping[str, str] | None = None,
    sampler: Mapping[str, Any] | None = None,
    pruner: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The definition of a study, as plain values.

    Args:
        config: Composed without any searched value.
        task: Its data.
        dim: The dimension at which the objective is read.
        kind: ``sweep``, or ``single`` for configurations run one by one.
        space: Searched key -> sweep as text.
        sampler: Its configuration.
        pruner: Its configuration.
    """
    recipe = {name: _plain(getattr(config, name)) for name in ("train", "loss", "eval")}
    for key in ("batch_size", "split", "objective", "dim"):
        recipe["eval"].pop(key)  # speed alone, or said elsewhere
    recipe["train"].pop("device")
    return {
        "name": study_name(config, kind),
        "kind": kind,
        "objective": config.eval.objective,
        "direction": "maximize",
        "dim": dim,
        "n_trials": config.study.n_trials,
        "space": dict(space or {}),
        "sampler": dict(sampler or {}),
        "pruner": dict(pruner or {}),
        "data": {"name": task.name, "source": task.source},
        "digests": dict(task.digests),
        "model": _plain(config.model),
        "recipe": recipe if kind == "sweep" else {},
        "code_version": library_versions().get("embedtune"),
        "git_revision": git_revision(),
    }


def study_name(config: Config, kind: str = "sweep") -> str:
    """The name given, or one made of data and model; single configurations have a folder of their own."""
    if config.study.name is not None:
        return config.study.name
    model = config.model.name.rstrip("/").rpartition("/")[2]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{config.data.label}-{model}").strip("-.") or config.data.source
    return name if kind == "sweep" else f"{name}-single"


def save_definition(study: StudyPaths, definition: Mapping[str, Any]) -> None:
    """Store the definition; the code's version and the budget are those of the last command.

    Raises:
        ConfigError: The study was begun with another definition; says every difference.
    """
    stored = load_definition(study)
    if stored is not None:
        differences = _differences(
            {key: stored.get(key) for key in IDENTITY}, {key: definition[key] for key in IDENTITY}
        )
        if differences:
            raise ConfigError(
                f"study.name={study.name} must go on as it was defined, but these differ: {'; '.join(differences)}. "
                "Take another study.name, or type the command it was begun with."
            )
    write_atomic(study.definition, yaml.safe_dump(dict(definition), sort_keys=False, allow_unicode=True))


def load_definition(study: StudyPaths) -> dict[str, Any] | None:
    """The stored definition; None if the study has none."""
    if not study.definition.is_file():
        return None
    values: dict[str, Any] = yaml.safe_load(study.definition.read_text(encoding="utf-8"))
    return values


def require_definition(study: StudyPaths, known: list[str]) -> dict[str, Any]:
    """The stored definition.

    Raises:
        ConfigError: There is no such study; names those there are.
    """
    definition = load_definition(study)
    if definition is None:
        names = ", ".join(known) or "none yet"
        raise ConfigError(f"study.name must name a study, but got {study.name}. In {study.root.parent}: {names}.")
    return definition


def _plain(node: Any) -> Any:
    return OmegaConf.to_container(OmegaConf.structured(node), enum_to_str=True)


def _differences(stored: Any, new: Any, key: str = "") -> list[str]:
    if isinstance(stored, dict) and isinstance(new, dict):
        found: list[str] = []
        for name in [*stored, *(name for name in new if name not in stored)]:
            found += _differences(stored.get(name), new.get(name), f"{key}.{name}" if key else str(name))
        return found
    return [] if stored == new else [f"{key} was {stored}, now {new}"]
