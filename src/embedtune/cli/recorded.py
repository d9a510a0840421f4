"""A recorded trial, with its data where it is now: data is the same by its digest, wherever it lies."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path

from embedtune import archive
from embedtune.cli.overrides import typed_keys
from embedtune.config import Config, DataConfig
from embedtune.errors import ConfigError
from embedtune.paths import StudyPaths


def recorded_recipe(config: Config, study: StudyPaths, number: int) -> Config:
    """The configuration of a trial; data keys that were typed stand in for the recorded ones.

    Args:
        config: Of this command.
        study: Its files.
        number: Of the trial.

    Raises:
        ConfigError: It was written by another version, or its data is not where it was.
    """
    recipe = archive.read_recipe(study.trial(number), trust_remote_code=config.model.trust_remote_code)
    recipe.data = stand_in(recipe.data, config.data, typed_keys())
    path = Path(recipe.data.path or "").expanduser()
    if recipe.data.source == "files" and not path.exists():
        raise ConfigError(
            f"data.path must be where the data of study {study.name} is now, but got {path} ({path.absolute()}), which "
            "does not exist. Type data.path=PATH; its content tells whether it is the same."
        )
    return recipe


def stand_in(recorded: DataConfig, typed: DataConfig, keys: Iterable[str]) -> DataConfig:
    """The recorded data with what was typed: the whole of it after ``data=NAME``, else key by key. Pure.

    Args:
        recorded: Of the trial.
        typed: Of this command, defaults included.
        keys: What was typed.
    """
    names = [key for key in keys if key == "data" or key.startswith("data.")]
    if "data" in names:
        return typed
    found = deepcopy(recorded)
    if names:
        found.name = recorded.label  # made of the recorded path, where no name was given
    for key in names:
        name, _, entry = key.removeprefix("data.").partition(".")
        value = getattr(typed, name)
        if entry:
            value = {**getattr(found, name), **{entry: value[entry]}}
        setattr(found, name, value)
    return found


def typed_data() -> bool:
    """Whether any data key was typed, so that other data may have replaced the recorded."""
    return any(key == "data" or key.startswith("data.") for key in typed_keys())
