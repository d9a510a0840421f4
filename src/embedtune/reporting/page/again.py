"""The command that runs a study again, every choice of its recipe spelled out. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from embedtune.reporting.page.differences import GROUPS, flatten

_ELSEWHERE = frozenset({"train.device", "eval.batch_size", "data.name", "data.source"})
"""What belongs to the machine, is a label, or is said by ``data=``."""

_WORD = re.compile(r"[A-Za-z/][A-Za-z0-9_./@+-]*")


def command_again(definition: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """What to type to run the study again from nothing.

    Args:
        definition: The study's definition.
        config: The composed configuration of its baseline, or of a trial run by itself.
    """
    sweep, space = definition["kind"] == "sweep", definition["space"]
    fixed = [
        f"{key}={_text(value)}"
        for group in GROUPS
        for key, value in flatten(config[group], group).items()
        if value is not None and key not in space and key not in _ELSEWHERE
    ]
    words = ["python", "-m", "embedtune", *(["-m", "sweep=optuna"] if sweep else [])]
    words += [f"study.name={_text(definition['name'])}"]
    words += [f"data={config['data']['source']}", *(["loss=plain"] if config["loss"]["matryoshka"] is None else [])]
    words += fixed
    if sweep:
        words += [f"study.n_trials={definition['n_trials']}", *(f"{key}={text}" for key, text in space.items())]
        words += [*_strategy("sampler", definition["sampler"]), *_strategy("pruner", definition["pruner"])]
        rules = {key: definition.get(key) for key in ("conditions", "constraints", "repeats", "enqueue", "warm_start")}
        words += [f"hydra.sweeper.{key}={_text(value)}" for key, value in rules.items() if value]
    return " ".join(shlex.quote(word) for word in words)


def _strategy(name: str, values: Mapping[str, Any] | None) -> list[str]:
    """First nothing, then all of it: a mapping alone would be merged into the default."""
    key = f"hydra.sweeper.{name}"
    return [f"{key}=null", *([f"++{key}={_text(values)}"] if values else [])]


def _text(value: Any) -> str:
    """A value in Hydra's grammar; text is quoted unless it is a plain word."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{','.join(_text(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{key}:{_text(item)}' for key, item in value.items())}}}"
    if isinstance(value, str) and not _WORD.fullmatch(value):
        escaped = value.replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)
