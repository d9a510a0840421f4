from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from embedtune.cli.unused import READS, unused, unused_variables
from embedtune.cli.usage import COMMANDS
from embedtune.config import Config, DataConfig, ReleaseConfig, StudyConfig, TrackingConfig

OFF = Config(tracking=TrackingConfig(enabled=False))
UNREGISTERED = Config(release=ReleaseConfig(register=False))
FILES = Config(data=DataConfig(source="files", path="x"))


def test_every_command_says_what_it_reads() -> None:
    assert set(READS) == {*COMMANDS, "-m"}


@pytest.mark.parametrize(
    ("command", "config", "typed", "expected"),
    [
        ("", Config(), ["model", "train.epochs", "format", "paths.sweeps", "study.name", "study"], []),
        ("", Config(), ["study.workers", "study.n_trials", "release.alias", "eval.split", "run"],
         ["study.workers", "study.n_trials", "release.alias", "eval.split", "run"]),
        ("", Config(), ["hydra.sweeper.repeats", "hydra.verbose", "hydra.mode"], ["hydra.sweeper.repeats"]),
        ("-m", Config(), ["study.workers", "sampler", "hydra.sweeper.repeats", "hydra/launcher"], []),
        ("-m", Config(), ["release.alias", "eval.split", "reproduce.tolerance"],
         ["release.alias", "eval.split", "reproduce.tolerance"]),
        ("data", Config(), ["data", "data.path", "data.columns.anchor", "data.splits.test", "data.max_train"],
         ["data.path", "data.columns.anchor", "data.splits.test"]),
        ("data", FILES, ["data.path", "data.columns.anchor", "data.splits.test", "data.revision", "data.subset"],
         ["data.revision", "data.subset"]),
        ("release", Config(), ["data.path", "data.seed"], []),
        ("data", Config(data=DataConfig(extra={"a": "b"})), ["data.extra.a", "data.columns.anchor"], []),
        ("data", Config(), ["model", "train.batch_size", "train.epochs"], ["train.epochs"]),
        ("report", FILES, ["data.path", "model", "tracking"], ["tracking"]),
        ("report", Config(study=StudyConfig(name="s")), ["data.seed", "study.name"], ["data.seed"]),
        ("evaluate", Config(run="x"), ["model.name", "run", "data"], ["model.name"]),
        ("evaluate", Config(), ["model.name", "train.device", "train.seed"], ["train.seed"]),
        ("", Config(), ["model.revision"], ["model.revision"]),
        ("", OFF, ["tracking.uri", "tracking.enabled"], ["tracking.uri"]),
        ("release", UNREGISTERED, ["release.alias", "release.name"], ["release.alias"]),
        ("", Config(), ["train.negatives.model", "train.negatives.count"], ["train.negatives.model"]),
        ("-m", Config(), ["train.negatives.model", "train.negatives.count"], []),
        ("release", Config(release=ReleaseConfig(trial=3)), ["release.candidates"], ["release.candidates"]),
    ],
)  # fmt: skip
def test_what_a_command_does_not_read_is_named(
    command: str, config: Config, typed: list[str], expected: list[str]
) -> None:
    assert list(unused(command, config, typed)) == expected


def test_variables_of_mlflow_are_named_where_a_store_is_used() -> None:
    environment = {"MLFLOW_TRACKING_URI": "http://a", "MLFLOW_EXPERIMENT_NAME": "mine"}
    assert list(unused_variables("", Config(), environment)) == list(environment)
    same = replace(Config(), tracking=TrackingConfig(uri="http://a", experiment="mine"))
    assert list(unused_variables("", same, environment)) == []
    assert list(unused_variables("", OFF, environment)) == []
    assert list(unused_variables("data", Config(), environment)) == []
    assert list(unused_variables("", Config(), {"MLFLOW_TRACKING_URI": ""})) == []


def test_the_line_says_it(typed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://anna:secret@host")
    result = typed("doctor", "train.epochs=3", "model=tiny", "format=json")
    assert "Not used by doctor: train.epochs, model\n" in result.err
    assert "MLFLOW_TRACKING_URI is set in the environment and not used. Type tracking.uri=VALUE." in result.err
    assert "secret" not in result.err
    assert result.json["checks"]
