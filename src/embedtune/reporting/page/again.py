"""The command that runs a study again, every choice of its recipe spelled out. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from embedtune.config import Config, find_choice, plain, read_choice
from embedtune.config.grammar import quote, verbatim
from embedtune.records import Search, Settings, StudyDefinition
from embedtune.reporting.page.differences import GROUPS, flatten

_ELSEWHERE = frozenset({"train.device", "eval.batch_size", "data.name", "data.source"})
"""Keys that belong to the machine, are labels, or are covered by ``data=``."""

_CUSTOM = "model.learning_rates."
"""Prefix of keys whose values stand in what is trained and searched."""

_SWEEPS = {("grid", "none"): "grid", ("random", "none"): "random", ("motpe", "none"): "pareto"}
"""Sampler and pruner -> the sweep that has them."""

_RULES = ("conditions", "constraints", "repeats", "enqueue", "warm_start")


def command_again(definition: StudyDefinition, config: Settings) -> str:
    """The command that runs the study again from nothing.

    Args:
        definition: The study's definition.
        config: The composed configuration of its baseline, or of a trial run by itself.
    """
    search = definition.search
    words = ["python", "-m", "embedtune", *(_sweep(search) if definition.is_sweep else [])]
    words += [_typed("study.name", definition.name), *_recipe(config, search.space)]
    if definition.is_sweep:
        words += [_typed("study.n_trials", definition.n_trials)]
        words += [f"{key}={text}" for key, text in search.space.items()]
        rules = {key: value for key, value in search.to_dict().items() if key in _RULES and value}
        words += [_typed(f"hydra.sweeper.{key}", value) for key, value in rules.items()]
    return " ".join(shlex.quote(word) for word in words)


def _sweep(search: Search) -> Iterator[str]:
    """The overrides that choose the search; the space is spelled out, so that no file adds to it."""
    strategies = {"sampler": search.sampler, "pruner": search.pruner}
    names = {name: find_choice(name, values) for name, values in strategies.items() if values}
    sweep = _SWEEPS.get((names.get("sampler") or "", names.get("pruner") or ""), "optuna")
    yield from ("-m", f"sweep={sweep}", "hydra.sweeper.params=null")
    for name, values in strategies.items():
        if values and names[name]:
            yield from [] if sweep != "optuna" else [f"{name}={names[name]}"]
        else:  # first nothing, then all of it: a mapping alone would be merged into the default
            yield f"hydra.sweeper.{name}=null"
            yield from [f"++{_typed(f'hydra.sweeper.{name}', values)}"] if values else []


def _recipe(config: Settings, space: Mapping[str, str]) -> Iterator[str]:
    """Every key that makes a result and is not searched."""
    chosen = {
        "data": config["data"]["source"],
        "loss": "plain" if config["loss"]["matryoshka"] is None else "matryoshka",
    }
    yield from (_typed(group, name) for group, name in chosen.items() if group not in space)
    schema, custom = plain(Config()), config["model"].get("learning_rates", {}).get("default")
    for group in GROUPS:
        usual = flatten({**schema[group], **(read_choice(group, chosen[group]) if group in chosen else {})}, group)
        for key, value in flatten(config[group], group).items():
            if key in space or key in _ELSEWHERE or key.startswith(_CUSTOM):
                continue
            if key == "train.learning_rate" and "model" in space and value == custom:
                continue  # each base model has its own
            if (value != usual.get(key)) if group in space else (value is not None or usual.get(key) is not None):
                yield _typed(key, value)


def _typed(key: str, value: Any) -> str:
    return f"{key}={quote(verbatim(value))}"
