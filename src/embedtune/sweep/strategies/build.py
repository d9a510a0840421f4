"""Samplers and pruners from their configuration; every worker builds its own."""

from __future__ import annotations

from typing import Any

from hydra.utils import instantiate

from embedtune.errors import ConfigError
from embedtune.records import Settings
from embedtune.study.definition import with_address

SEED_STRIDE = 1_000
"""Apart from each other by this, the seeds of two starts of a worker: one that goes on must not draw again what the
first drew."""


def build_strategy(key: str, values: Settings) -> Any:
    """Instantiate ``_target_`` with its arguments; None for an empty configuration.

    Raises:
        ConfigError: There is no such class, or it does not take these arguments.
    """
    if not values:
        return None
    try:
        return instantiate({name: value for name, value in with_address(values).items() if value is not None})
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{key} must be a class and its arguments, but got {dict(values)} ({reason}).") from error


def with_resource(pruner: Settings, evaluations: int) -> Settings:
    """A pruner's configuration with ``max_resource: auto`` as the number of evaluations of the longest trial."""
    if pruner.get("max_resource") == "auto":
        return {**pruner, "max_resource": max(evaluations, int(pruner.get("min_resource") or 1))}
    return pruner


def with_groups(sampler: Settings) -> Settings:
    """A sampler's configuration for parameters that come and go, of which multivariate TPE must be told."""
    return {"group": True, **sampler} if sampler.get("multivariate") else sampler


def build_sampler(values: Settings, seed_shift: int) -> Any:
    """A sampler whose seed, if it has one, is moved on: workers with equal seeds would draw equal trials."""
    seed = values.get("seed")
    if seed is not None:
        values = {**values, "seed": int(seed) + seed_shift}
    return build_strategy("hydra.sweeper.sampler", values)
