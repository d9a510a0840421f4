"""Hydra's, OmegaConf's and Python's errors about a configuration, in embedtune's words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from hydra.errors import OverrideParseException

from embedtune.config.plain import usual
from embedtune.config.schema import Config
from embedtune.errors import cut

_SWEEPER = ("sampler", "pruner", "hydra.sweeper")
"""Groups and keys that only a sweep has."""
_FUNCTION = re.compile(r"\b(choice|interval|range|tag|int|float)\s*\(")
_INNER = ("full_key:", "object_type", "reference_type", "See https://hydra.cc")
"""Prefixes of lines about OmegaConf's objects, or about Hydra's pages."""


def explain(error: BaseException, typed: Sequence[str] = ()) -> str:
    """One clear message for a configuration that cannot be composed.

    Args:
        error: Of Hydra, of OmegaConf, or of Python beneath them.
        typed: The overrides, as far as they are known.
    """
    text = "\n".join(str(part) for part in (error, error.__cause__) if part is not None)
    for pattern, sentence in _KNOWN.items():
        if match := pattern.search(text):
            return sentence(match)
    if isinstance(error, OverrideParseException):
        return f"overrides must follow Hydra's grammar, but got {cut(error.override)}. {_remedy(text, error.override)}"
    longest = cut(max(typed, key=len, default="one that does"))
    if isinstance(error, RecursionError) or "recursion depth" in text:
        return f"overrides must not nest so deeply or name themselves, but got {longest}. Simplify it."
    if "integer string conversion" in text:
        return f"a number must have at most 4300 digits, but got {longest}. Choose a smaller one."
    if isinstance(error, AssertionError):
        return "overrides must fit the configuration, but one names a key below one that is null. Remove it."
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith(_INNER)]
    reason = cut(" ".join(dict.fromkeys(lines)) or type(error).__name__)
    return f"overrides must make a configuration, but {cut(' '.join(typed)) or 'what was typed'} does not: {reason}"


def leaves(node: Any, prefix: str = "") -> list[str]:
    """Every key of the schema that holds a value, dotted."""
    found: list[str] = []
    for field in fields(node):
        value, key = usual(node, field.name), f"{prefix}{field.name}"
        found += leaves(value, f"{key}.") if is_dataclass(value) else [key]
    return found


def _unknown_key(match: re.Match[str]) -> str:
    key = match[1]
    if key.startswith(_SWEEPER) and ("BasicSweeperConf" in match.string or "defaults list" in match.string):
        return f"{cut(key)} must stand with a sweep, but there is none. Add -m sweep=optuna."
    if key.startswith("hydra.sweeper.params"):
        return f"{cut(key)} must stand in a file, but was typed. Type what it names: train.epochs='choice(1, 2)'."
    return f"{cut(key)} must be a key of the configuration, but there is none of that name. {_hint(key)}"


def _unknown_choice(match: re.Match[str]) -> str:
    choices = ", ".join(line.strip() for line in match[3].splitlines() if line.strip())
    return f"{match[1]} must be one of {choices}, but got {cut(match[2])}. Choose one of them."


def _wrong_type(match: re.Match[str]) -> str:
    reason = match[3].strip().splitlines()[:1]
    return f"{match[1]} must be of its type, but got {cut(match[2])}. {cut(reason[0]) if reason else 'See conf/.'}"


def _one_value(match: re.Match[str]) -> str:
    key, _, value = match[1].partition("=")
    return (
        f"{cut(key)} must have one value, but got {cut(value)}. Add -m sweep=optuna to search it, write [A,B] for a "
        f"list, or quote one text: '{cut(key)}=\"{cut(value)}\"'."
    )


def _interpolation(match: re.Match[str]) -> str:
    key = re.search(r"full_key: (\S+)", match.string)
    what = f"{key[1]} must have a value" if key else "every interpolation must have a value"
    return f"{what}, but {match[0].strip()}. Correct what stands in ${{}}."


_KNOWN: Mapping[re.Pattern[str], Callable[[re.Match[str]], str]] = {
    re.compile(r"Could not override '([^']+)'"): _unknown_key,
    re.compile(
        r"Could not find '([^']+)/([^'/]*)'\n+Available options in '[^']+':\n(.*?)\nConfig search", re.DOTALL
    ): _unknown_choice,
    re.compile(r"Ambiguous value for argument '(.+?)'\n", re.DOTALL): _one_value,
    re.compile(r"Sweep parameters '(.+?)' requires --multirun", re.DOTALL): _one_value,
    re.compile(r"Error merging override (\S+?)=(.*?)(?:\n(.*))?\Z", re.DOTALL): _wrong_type,
    re.compile(r"Error merging override ~(\S+)"): lambda match: (
        f"{cut(match[1])} must not be removed, because every configuration has it. Remove the '~'."
    ),
    re.compile(r"Missing mandatory value: (\S+)"): lambda match: (
        f"{match[1]} must be given, but got nothing. Add {match[1]}=VALUE."
    ),
    re.compile(r"Interpolation key '.*?' not found|Unsupported interpolation type .*|Environment variable .* found"):
        _interpolation,
    re.compile(r"Key '(sampler|pruner)' not in 'BasicSweeperConf'"): _unknown_key,
}  # fmt: skip
"""Message of Hydra or OmegaConf -> its meaning."""


def _remedy(text: str, override: str) -> str:
    if match := re.search(r"Unknown function '(\w+)'", text):
        return f"There is no {match[1]}; there are choice, interval, range, tag, int and float."
    if match := re.search(r"while evaluating '.*?': (.*)", text):
        return f"{match[1][:1].upper()}{cut(match[1][1:])}."
    if not re.match(r"[+~]*[\w./@-]*=", override):
        return "It is KEY=VALUE."
    if _FUNCTION.search(override):
        return 'Close its brackets, and quote texts in it that are no plain words: \'KEY=choice("a b", "c,d")\'.'
    return "Quote one text, for the grammar and for the shell: 'KEY=\"VALUE\"'."


def _hint(key: str) -> str:
    """The nearest key, or those beside the one meant."""
    known = [*leaves(Config()), *(field.name for field in fields(Config)), "sweep"]
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.8)
    if close:
        return f"Did you mean {close[0]}?"
    group = key.rpartition(".")[0]
    beside = [leaf for leaf in known if group and leaf.startswith(f"{group}.")]
    return f"There are {', '.join(beside)}." if beside else "See embedtune --help."
