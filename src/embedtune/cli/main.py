"""The command line: ``embedtune [COMMAND] [HYDRA OVERRIDES]``; one grammar, one configuration, one error policy."""

from __future__ import annotations

import difflib
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from embedtune import __version__
from embedtune.cli.errors import INTERRUPT_STATUS, report
from embedtune.cli.output import configure_output, redacted_streams
from embedtune.cli.usage import COMMANDS, usage
from embedtune.config.redaction import remember_secrets
from embedtune.errors import ConfigError, cut
from embedtune.machine.threads import usable_cores, waiting

DEBUG = "--debug"
"""Our own flag; all others are Hydra's."""

VALUE_FLAGS = {"--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp", "--cfg", "-c", "--package", "-p",
               "--info", "-i"}  # fmt: skip
"""Flags of Hydra that take the next word as their value."""

MULTIRUN = {"-m", "--multirun"}
SHOWING = {"--cfg", "-c", "--info", "-i"}
"""Flags of Hydra that print something instead of running."""
FLAGS = VALUE_FLAGS | MULTIRUN | SHOWING | {"--hydra-help", "--resolve", "--run", "-r", "--shell-completion", "-sc"}
"""All flags that are handed to Hydra; ``--experimental-rerun`` is none, because it reads a pickle."""

ENVIRONMENT = {
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
    debug = DEBUG in arguments
    arguments = [argument for argument in arguments if argument != DEBUG]
    if {"-h", "--help"} & set(arguments) or arguments[:1] == ["help"]:
        sys.stdout.write(usage())
        return 0
    if "--version" in arguments:
        sys.stdout.write(f"embedtune {__version__}\n")
        return 0
    for key, value in (ENVIRONMENT | waiting(usable_cores())).items():
        os.environ.setdefault(key, value)
    configure_output(debug)
    remember_secrets([word.partition("=")[2].strip("'\"") for word in arguments], os.environ)
    with redacted_streams():
        try:
            return _dispatch(arguments, debug)
        except KeyboardInterrupt:
            sys.stderr.write("Interrupted. The same command goes on where it stopped.\n")
            return INTERRUPT_STATUS
        except Exception as error:
            return report(error, debug)


def _dispatch(arguments: list[str], debug: bool) -> int:
    command, rest = _split_command(arguments)
    for word in rest:
        if word.startswith("-") and word.partition("=")[0] not in FLAGS:
            raise ConfigError(f"{cut(word)} must be a flag or KEY=VALUE, but it is neither. See embedtune --help.")
    if set(rest) & SHOWING:
        rest = [argument for argument in rest if argument not in MULTIRUN]  # shown, not run
    if command and MULTIRUN & set(rest):
        raise ConfigError(f"-m must stand without a command, but got {command}. Remove one of them.")
    rest.sort(key=lambda word: word not in MULTIRUN)  # Hydra takes it before all overrides alone
    signal.signal(signal.SIGTERM, _interrupt)

    from embedtune.cli.task import Task, run

    return run(Task(command, tuple([*arguments, DEBUG] if debug else arguments)), rest)


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
        key = f"For a key type {cut(command)}=VALUE." if "." in command else "See embedtune --help."
        hint = f"Did you mean {close[0]}?" if close else key
        names = ", ".join(name for name in COMMANDS if name)
        raise ConfigError(f"command must be one of {names}, but got {cut(command)}. {hint}")
    return command, arguments[:position] + arguments[position + 1 :]


def _interrupt(*_: object) -> NoReturn:
    """SIGTERM, as pre-emption sends it, ends a run as Ctrl-C does: with the trial recorded and queued again."""
    raise KeyboardInterrupt
