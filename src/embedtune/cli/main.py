"""The command line: ``embedtune [COMMAND] [HYDRA OVERRIDES]``; one grammar, one configuration, one error policy."""

from __future__ import annotations

import contextlib
import difflib
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from embedtune import __version__
from embedtune.cli.output import configure_output
from embedtune.cli.usage import COMMANDS, usage
from embedtune.errors import ConfigError, EmbedtuneError, UserError

if TYPE_CHECKING:
    from embedtune.cli.commands.answer import Answer

INTERRUPT_STATUS = 130
"""What shells expect of a program ended by Ctrl-C."""

VALUE_FLAGS = {"--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp", "--cfg", "-c", "--package", "-p",
               "--info", "-i"}  # fmt: skip
"""Flags of Hydra that take the next word as their value."""

MULTIRUN = {"-m", "--multirun"}
SHOWING = {"--cfg", "-c", "--info", "-i"}
"""Flags of Hydra that print something instead of running."""

ENVIRONMENT = {
    "HYDRA_FULL_ERROR": "1",  # Hydra raises instead of printing and exiting, so that one place decides
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "TOKENIZERS_PARALLELISM": "true",  # said outright, or every fork warns
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 done, 1 the work failed or a gate said no, 2 the input was wrong, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if {"-h", "--help"} & set(arguments) or arguments[:1] == ["help"]:
        sys.stdout.write(usage())
        return 0
    if "--version" in arguments:
        sys.stdout.write(f"embedtune {__version__}\n")
        return 0
    for key, value in ENVIRONMENT.items():
        os.environ.setdefault(key, value)
    configure_output(debug)
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. The same command goes on where it stopped.\n")
        return INTERRUPT_STATUS
    except Exception as error:
        return _report(error, debug)


def _dispatch(arguments: list[str]) -> int:
    command, rest = _split_command(arguments)
    if set(rest) & SHOWING:
        rest = [argument for argument in rest if argument not in MULTIRUN]  # shown, not run
    multirun = bool(MULTIRUN & set(rest))
    if command and multirun:
        raise ConfigError(f"-m must stand without a command, but got {command}. Remove one of them.")
    if command:
        # A sweep's settings may be on the line, but only the sweep itself multiplies runs.
        rest = [*rest, "hydra.mode=RUN"]
    signal.signal(signal.SIGTERM, _interrupt)
    return _run_hydra(rest, _task(command))


def _split_command(arguments: list[str]) -> tuple[str, list[str]]:
    """The command and what remains; a word is a command unless it is the value of one of Hydra's flags."""
    words = [
        (i, word)
        for i, word in enumerate(arguments)
        if not word.startswith(("-", "~")) and "=" not in word and (i == 0 or arguments[i - 1] not in VALUE_FLAGS)
    ]
    if not words:
        return "", arguments
    position, command = words[0]
    if command not in COMMANDS:
        close = difflib.get_close_matches(command, [name for name in COMMANDS if name], n=1)
        hint = f"Did you mean {close[0]}?" if close else "See embedtune --help."
        names = ", ".join(name for name in COMMANDS if name)
        raise ConfigError(f"command must be one of {names}, but got {command}. {hint}")
    return command, arguments[:position] + arguments[position + 1 :]


def _task(command: str) -> Callable[[Any], int]:
    """The function Hydra calls with the composed configuration."""

    def task(cfg: Any) -> int:
        import importlib

        from embedtune.config import to_config

        config = to_config(cfg)
        module, _, function = COMMANDS[command].target.partition(":")
        if COMMANDS[command].loads:
            logging.getLogger("embedtune").info("Loading libraries, data and model ...")
        with contextlib.redirect_stdout(sys.stderr):
            answer: Answer = getattr(importlib.import_module(f"embedtune.cli.commands.{module}"), function)(config)
        answer.show(config.format)
        return answer.status

    return task


def _run_hydra(arguments: list[str], task: Callable[[Any], int]) -> int:
    import hydra

    from embedtune.config import conf_dir, register_schema
    from embedtune.config.grammar import as_hydra_takes_it

    arguments = [as_hydra_takes_it(argument) for argument in arguments]
    register_schema()
    status = 0
    failure: Exception | None = None

    def remember(cfg: Any) -> None:
        # An error that passes through Hydra is announced by it; this way it is told once, below.
        nonlocal status, failure
        try:
            status = max(status, task(cfg))
        except Exception as error:
            failure = failure or error

    sys.argv = ["embedtune", *arguments]
    hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")(remember)()
    if failure is not None:
        raise failure
    return status


def _report(error: Exception, debug: bool) -> int:
    """Print an error once, and say by the exit status whose it is."""
    if debug:
        traceback.print_exception(error)
    if isinstance(error, UserError):
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 2
    explained = _explain_hydra(error)
    if explained is not None:
        sys.stderr.write(f"ConfigError: {explained}\n")
        return 2
    if isinstance(error, EmbedtuneError | OSError):  # a full disk or a missing permission is no defect of the program
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    if not debug:
        traceback.print_exception(error)
    return 1


def _explain_hydra(error: Exception) -> str | None:
    from embedtune.config.explain import explain, is_composition_error

    return explain(error) if is_composition_error(error) else None


def _interrupt(*_: object) -> NoReturn:
    """SIGTERM, as pre-emption sends it, ends a run as Ctrl-C does: with the trial recorded and queued again."""
    raise KeyboardInterrupt
