"""Hydra's and OmegaConf's errors in embedtune's words."""

from __future__ import annotations

import difflib
import re
import traceback
from dataclasses import fields, is_dataclass
from typing import Any

from hydra.errors import HydraException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from embedtune.config.schema import Config

_UNKNOWN_KEY = re.compile(r"Could not override '([^']+)'")
_MERGE = re.compile(r"Error merging override (\S+?)=(.*)")
_UNKNOWN_CHOICE = re.compile(
    r"Could not find '([^']+)/([^'/]+)'\n+Available options in '[^']+':\n(.*?)\nConfig search", re.DOTALL
)
_UNKNOWN_FUNCTION = re.compile(r"Unknown function '(\w+)'")
_MISSING = re.compile(r"Missing mandatory value: (\S+)")


def is_composition_error(error: Exception) -> bool:
    """Whether Hydra or OmegaConf raised this about the user's overrides; some of it they only assert."""
    if isinstance(error, HydraException | OmegaConfBaseException):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    return isinstance(error, AssertionError) and "omegaconf" in frames[-1].filename


def explain(error: Exception) -> str:
    """One clear message for a failed composition."""
    text = "\n".join(str(part) for part in (error, error.__cause__) if part is not None)
    if match := _UNKNOWN_KEY.search(text):
        return f"{match[1]} must be a key of the configuration, but there is none of that name. {_hint(match[1])}"
    if match := _UNKNOWN_CHOICE.search(text):
        choices = ", ".join(line.strip() for line in match[3].splitlines() if line.strip())
        return f"{match[1]} must be one of {choices}, but got {match[2]}. Choose one of them."
    if match := _MERGE.search(text):
        reason = str(error.__cause__ or "").splitlines()[:1]
        return f"{match[1]} must be of its type, but got {match[2]}. {reason[0] if reason else 'See conf/.'}"
    if match := _MISSING.search(text):
        return f"{match[1]} must be given, but got nothing. Add {match[1]}=VALUE."
    if isinstance(error, AssertionError):
        return "overrides must fit the configuration, but one names a key below one that is null. Remove it."
    if isinstance(error, OverrideParseException):
        hint = "Quote what is one value: 'KEY=\"VALUE\"'; quote sweeps for the shell: 'KEY=interval(0, 1)'."
        if match := _UNKNOWN_FUNCTION.search(str(error)):
            hint = f"There is no {match[1]}; there are choice, interval, range, tag, int and float."
        return f"overrides must follow Hydra's grammar, but got {error.override}. {hint}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(dict.fromkeys(lines)) or type(error).__name__


def leaves(node: Any, prefix: str = "") -> list[str]:
    """Every key of the schema that holds a value, dotted."""
    found: list[str] = []
    for field in fields(node):
        value, key = getattr(node, field.name), f"{prefix}{field.name}"
        found += leaves(value, f"{key}.") if is_dataclass(value) else [key]
    return found


def _hint(key: str) -> str:
    """The nearest key, or those beside the one meant."""
    known = [*leaves(Config()), *(field.name for field in fields(Config)), "sweep", "sampler", "pruner"]
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.8)
    if close:
        return f"Did you mean {close[0]}?"
    group = key.rpartition(".")[0]
    beside = [leaf for leaf in known if group and leaf.startswith(f"{group}.")]
    return f"There are {', '.join(beside)}." if beside else "See embedtune --help."
