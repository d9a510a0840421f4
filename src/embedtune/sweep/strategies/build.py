"""Samplers and pruners from their configuration; every worker builds its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hydra.utils import instantiate

from embedtune.errors import ConfigError
from embedtune.study.definition import with_address

SEED_STRIDE = 1_000
"""Apart from each other by this, the seeds of two starts of a worker: one that goes on must not draw again what the
first drew."""


def build_strategy(key: str, values: Mapping[str, Any] | None) -> Any:
    """Instantiate ``_target_`` with its arguments; None stays None.

    Raises:
        ConfigError: There is no such class, or it does not take these arguments.
    """
    if values is None:
        return None
    try:
        return instantiate({name: value for name, value in with_address(values).items() if value is not None})
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{key} must be a class and its arguments, but got {dict(values)} ({reason}).") from error


def with_resource(pruner: Mapping[str, Any] | None, evaluations: int) -> Mapping[str, Any] | None:
    """A pruner's configuration with ``max_resource: auto`` as the number of evaluations of the longest trial."""
    if pruner is not None and pruner.get("max_resource") == "auto":
        return {**pruner, "max_resource": max(evaluations, int(pruner.get("min_resource") or 1))}
    return pruner


def with_groups(sampler: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A sampler's configuration for parameters that come and go, of which multivariate TPE must be told."""
    if sampler is not None and sampler.get("multivariate"):
        return {"group": True, **sampler}
    return sampler


def build_sampler(values: Mapping[str, Any] | None, seed_shift: int) -> Any:
    """A sampler whose seed, if it has one, is moved on: workers with equal seeds would draw equal trials."""
    seed = None if values is None else values.get("seed")
    if values is not None and seed is not None:
        values = {**values, "seed": int(seed) + seed_shift}
    return build_strategy("hydra.sweeper.sampler", values)
