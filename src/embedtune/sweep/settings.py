"""The rules of ``hydra.sweeper.*``, which Hydra itself takes in any form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from embedtune.config.rules.place import is_name
from embedtune.errors import ConfigError, join_problems, must


def check_settings(sweeper: Mapping[str, Any]) -> None:
    """Check that the sweeper's composed settings have a readable form.

    Raises:
        ConfigError: With every setting that has not.
    """
    problems = list(_problems(sweeper))
    if problems:
        raise ConfigError(join_problems(problems))


def _problems(sweeper: Mapping[str, Any]) -> Iterator[str]:
    for name in ("sampler", "pruner"):
        value = sweeper.get(name)
        mapping = value is None or (isinstance(value, Mapping) and all(isinstance(key, str) for key in value))
        yield from must(mapping, f"hydra.sweeper.{name}", "be a class and its arguments", value, f"Try {name}=NAME.")
    for name, example in (
        ("params", "{train.epochs: 'choice(1, 2)'}"),
        ("conditions", "{train.warmup_ratio: train.scheduler=cosine}"),
    ):
        value = sweeper.get(name)
        mapping = value is None or (isinstance(value, Mapping) and all(isinstance(key, str) for key in value))
        yield from must(mapping, f"hydra.sweeper.{name}", "be a mapping of keys", value, f"Such as {example}.")
    for name, example in (("constraints", "['train.epochs <= 3']"), ("enqueue", "[{train.epochs: 3}]")):
        value = sweeper.get(name)
        listed = value is None or isinstance(value, list) or (name == "constraints" and isinstance(value, str))
        yield from must(listed, f"hydra.sweeper.{name}", "be a list", value, f"Such as {example}.")
    earlier, count, worker = sweeper.get("warm_start"), sweeper.get("warm_start_trials"), sweeper.get("worker")
    named = earlier is None or is_name(earlier)
    yield from must(
        named, "hydra.sweeper.warm_start", "be the name of a study or null", earlier, "See embedtune studies."
    )
    yield from must(
        isinstance(count, int) and count >= 0, "hydra.sweeper.warm_start_trials", "be at least 0", count, "Try 3."
    )
    whole = worker is None or (isinstance(worker, int) and not isinstance(worker, bool) and worker >= 0)
    yield from must(whole, "hydra.sweeper.worker", "be set by a supervisor alone", worker, "Remove it.")
