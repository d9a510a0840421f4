"""One command, composed by Hydra."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import hydra
from omegaconf import DictConfig

from embedtune.cli.overrides import typed_keys
from embedtune.cli.unused import say_unused
from embedtune.cli.usage import COMMANDS
from embedtune.config import conf_dir, group_choices, register_schema, to_config
from embedtune.config.explain import explain
from embedtune.config.grammar import as_hydra_takes_it, parse
from embedtune.errors import ConfigError, cut

logger = logging.getLogger(__name__)

_INSTANTIATION = ("_recursive_", "_partial_", "_args_", "_convert_")
"""With these a sweeper's settings could make Hydra call what they name."""


@dataclass
class Task:
    """The work to do, as Hydra calls it with the composed configuration.

    Attributes:
        command: Its name; empty for a single run or a sweep.
        line: The words that were typed, as a worker needs them too.
        began: Whether composition is over: what fails before is wrong input.
        status: The exit status so far.
        failure: What failed. Hydra announces an error that passes through it; this way it is reported only once.
    """

    command: str
    line: tuple[str, ...]
    began: bool = False
    status: int = 0
    failure: Exception | None = None

    def __call__(self, cfg: DictConfig) -> None:
        """Do it; Hydra's own sweeper calls this once for each configuration."""
        self.began = True
        try:
            self.status = max(self.status, self._run(cfg))
        except Exception as error:
            self.failure = self.failure or error

    def _run(self, cfg: DictConfig) -> int:
        config = to_config(cfg)
        say_unused(self.command, config, typed_keys())
        command = COMMANDS[self.command]
        module, _, function = command.target.partition(":")
        if command.loads:
            logger.info("Loading libraries, data and model ...")
        with contextlib.redirect_stdout(sys.stderr):
            answer = getattr(importlib.import_module(f"embedtune.cli.commands.{module}"), function)(config)
        answer.show(config.format)
        return int(answer.status)


def run(task: Task, arguments: Sequence[str]) -> int:
    """Let Hydra compose the configuration and call the task, or the sweeper.

    Raises:
        ConfigError: What was typed cannot be composed.
    """
    # A sweep's settings may be on the line of a command, but only the sweep itself multiplies runs.
    words = [as_hydra_takes_it(word) for word in (*arguments, *(["hydra.mode=RUN"] if task.command else []))]
    register_schema()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and exiting, so that one place decides
    sys.argv = ["embedtune", *words]  # Hydra reads its arguments nowhere else
    try:
        _check_words(words)
        hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")(task)()
    except SystemExit as stop:
        if task.began or stop.code in (None, 0):
            raise
        return 2  # a flag of Hydra had a wrong value, and it said so
    except Exception as error:
        if task.began or isinstance(error, ConfigError):
            raise
        raise ConfigError(explain(error, words)) from error
    if task.failure is not None:
        raise task.failure
    return task.status


def _check_words(words: Sequence[str]) -> None:
    """Refuse words that Hydra would accept, or refuse in its own words: choices that are not names, and instantiation.

    Raises:
        ConfigError: With the first of them.
    """
    for word in words:
        key, _, value = word.lstrip("+").partition("=")
        if key.startswith("hydra.sweeper") and any(part in word for part in _INSTANTIATION):
            raise ConfigError(f"{cut(word)} must not say how Hydra instantiates the sweeper. Remove it.")
        choices = group_choices(key)
        if choices and value[:1] not in ("{", "$") and value not in choices:
            (override,) = parse([word])
            if not override.is_sweep_override() and not (isinstance(override.value(), str) and override.value()):
                raise ConfigError(
                    f"{key} must be one of {', '.join(choices)}, but got {cut(value)}. Choose one of them."
                )
