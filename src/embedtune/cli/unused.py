"""Settings that were typed, or stand in the environment, without effect: named, as they were meant to have one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping

from embedtune.config import Config, Method

logger = logging.getLogger("embedtune")

_TRIAL = ("model", "data", "train", "loss", "eval.objective", "eval.dim", "eval.second", "eval.every",
          "eval.batch_size", "eval.cutoffs", "eval.gain", "eval.distractors", "eval.corpus", "eval.folds",
          "tracking")  # fmt: skip

READS: Mapping[str, tuple[str, ...]] = {
    "": (*_TRIAL, "study.name", "study.keep"),
    "-m": (*_TRIAL, "study", "sweep", "sampler", "pruner", "hydra"),
    "data": ("data", "model", "train.batch_size"),
    "evaluate": ("model", "data", "train.device", "loss", "eval.dim", "eval.second", "eval.split", "eval.batch_size",
                 "eval.distractors", "run", "tracking"),
    "generate": ("generate", "model", "data.path", "data.seed", "data.split", "train.device", "eval.batch_size"),
    "studies": ("study.storage",),
    "leaderboard": ("study.name", "study.storage"),
    "report": ("study.name", "study.storage", "tracking"),
    "release": ("data", "study.name", "study.storage", "release", "train.device", "tracking"),
    "reproduce": ("data", "run", "reproduce", "train.device"),
    "rollback": ("release.name", "study.name", "tracking"),
    "ui": ("study.name", "tracking"),
    "sync": ("study.storage", "tracking"),
    "relocate": ("tracking",),
    "doctor": ("tracking",),
}  # fmt: skip
"""Command -> the keys and groups that it reads, beside ``paths`` and ``format``; ``-m`` is a sweep."""

_MINING = tuple(f"train.negatives.{key}" for key in ("margin", "range", "model", "refresh"))
"""Keys that say how negatives are mined."""
_EVERYWHERE = ("paths", "format")

SOURCES: Mapping[str, tuple[str, ...]] = {
    "pydocs": ("data.path", "data.subset", "data.revision", "data.splits"),
    "files": ("data.subset", "data.revision"),
    "hub": (),
}
"""Source of data -> the keys of ``data`` that it does not read."""

VARIABLES: Mapping[str, str] = {"MLFLOW_TRACKING_URI": "tracking.uri", "MLFLOW_EXPERIMENT_NAME": "tracking.experiment"}
"""Variables of the environment that MLflow reads and embedtune does not, with the key to type instead."""


def say_unused(command: str, config: Config, typed: Iterable[str]) -> None:
    """Name what has no effect in this command.

    Args:
        command: Its name; empty for a single run, ``-m`` for a sweep.
        config: As it was composed.
        typed: Keys and groups of the command line.
    """
    keys = dict.fromkeys(unused(command, config, list(typed)))
    if keys:
        who = {"": "a single run", "-m": "a sweep"}.get(command, command)
        logger.warning("Not used by %s: %s", who, ", ".join(keys))
    for variable in unused_variables(command, config, os.environ):
        logger.warning("%s is set in the environment and not used. Type %s=VALUE.", variable, VARIABLES[variable])


def unused(command: str, config: Config, typed: list[str]) -> Iterator[str]:
    """Typed keys that the command does not read, or not beside the others that were typed. Pure."""
    silenced = _silenced(command, config)
    read = READS["data" if command == "report" and is_about_data(config, typed) else command]
    for key in typed:
        is_read = _touches(key, (*read, *_EVERYWHERE)) and not _touches(key, silenced, whole=True)
        of_hydra = key.startswith("hydra") and not key.startswith("hydra.sweeper")  # its own affair
        if not is_read and not of_hydra:
            yield key


def is_about_data(config: Config, typed: Iterable[str]) -> bool:
    """Whether ``report`` is to be of data: some was typed, and no study."""
    return config.study.name is None and any(_touches(key, ("data",)) for key in typed)


def unused_variables(command: str, config: Config, environment: Mapping[str, str]) -> Iterator[str]:
    """Variables that another program of MLflow would follow. Pure."""
    if not (_touches("tracking", READS[command]) and config.tracking.enabled):
        return
    values = {"MLFLOW_TRACKING_URI": config.tracking.uri, "MLFLOW_EXPERIMENT_NAME": config.tracking.experiment}
    yield from (name for name, value in values.items() if environment.get(name) not in (None, "", value))


def _silenced(command: str, config: Config) -> tuple[str, ...]:
    """Keys that others keep from having an effect."""
    data, release = config.data, config.release
    is_recorded = config.run is not None or command == "release"  # its source is the recorded one
    groups = {
        SOURCES.get(data.source, ()): not is_recorded and command != "generate",
        ("data.columns",): data.source == "pydocs" and not data.extra and not is_recorded,
        ("model.revision", "model.trust_remote_code"): config.model.name in ("tiny", "minilm"),
        ("tracking.uri", "tracking.experiment", "tracking.port", "release.alias"): not config.tracking.enabled,
        ("release.alias",): not release.register,
        ("release.candidates", "release.soup"): release.trial is not None,
        _MINING: command == "" and not config.train.negatives.count,
        (
            "generate.url",
            "generate.model",
            "generate.prompt",
            "generate.key_env",
            "generate.concurrency",
            "generate.requests_per_minute",
            "generate.attempts",
            "generate.timeout",
        ): config.generate.method is Method.extract,
        ("model",): command == "evaluate" and config.run is not None,
    }
    return tuple(key for keys, holds in groups.items() if holds for key in keys)


def _touches(key: str, names: Iterable[str], *, whole: bool = False) -> bool:
    """Whether a key is one of these or below one; a group also if one of them is below it, unless ``whole``."""
    return any(
        key == name or key.startswith(f"{name}.") or (not whole and name.startswith(f"{key}.")) for name in names
    )
