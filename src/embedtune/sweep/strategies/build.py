"""Samplers and pruners from their configuration; every worker builds its own."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.samplers.nsgaii import BaseCrossover

from embedtune.errors import ConfigError
from embedtune.records import Settings
from embedtune.study.definition import with_address
from embedtune.sweep.strategies.grid import GridSampler
from embedtune.sweep.strategies.query_pruner import QueryPruner
from embedtune.sweep.strategies.schedule_pruner import SchedulePruner

SEED_STRIDE = 1_000
"""Apart from each other by this, the seeds of two starts of a worker: one that goes on must not draw again what the
first drew."""

SAMPLER, PRUNER = "hydra.sweeper.sampler", "hydra.sweeper.pruner"

_KINDS: dict[str, type] = {SAMPLER: BaseSampler, PRUNER: BasePruner}
_PARTS = (BaseSampler, BasePruner, BaseCrossover)
"""Types that an argument of a sampler or a pruner may have, beside plain values."""
_OWN: dict[str, type] = {
    "embedtune.sweep.GridSampler": GridSampler,
    "embedtune.sweep.QueryPruner": QueryPruner,
    "embedtune.sweep.SchedulePruner": SchedulePruner,
}
_PACKAGES = ("optuna.samplers", "optuna.pruners")


def build_strategy(key: str, values: Settings) -> Any:
    """Build the object that ``_target_`` names, with its arguments; None for an empty configuration.

    A configuration may come from anybody's study, so that only classes of Optuna and embedtune are made, and nothing
    else is imported.

    Args:
        key: ``SAMPLER`` or ``PRUNER``.
        values: ``_target_`` and its arguments, which may be such configurations too.

    Raises:
        ConfigError: It is none of these classes, or it does not take these arguments.
    """
    if not values:
        return None
    return _make(key, {name: value for name, value in values.items() if value is not None}, (_KINDS[key],))


def _make(key: str, values: Settings, kinds: tuple[type, ...]) -> Any:
    made = _class(key, str(with_address(values).get("_target_")), kinds)
    arguments = {name: _argument(f"{key}.{name}", value) for name, value in values.items() if name != "_target_"}
    try:
        return made(**arguments)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{key} must be a class and its arguments, but got {dict(values)} ({reason}).") from error


def _argument(key: str, value: Any) -> Any:
    return _make(key, value, _PARTS) if isinstance(value, Mapping) and "_target_" in value else value


def _class(key: str, address: str, kinds: tuple[type, ...]) -> type:
    """The class of this address, if it is one of ours or of Optuna's; no other module is imported."""
    found: Any = _OWN.get(address)
    package, _, name = address.rpartition(".")
    if any(package == own or package.startswith(f"{own}.") for own in _PACKAGES):
        try:
            found = getattr(importlib.import_module(package), name, None)
        except ImportError:
            found = None
    if not (isinstance(found, type) and issubclass(found, kinds)):
        names = " or ".join(kind.__name__.removeprefix("Base").lower() for kind in kinds)
        group = "sampler" if key.startswith(SAMPLER) else "pruner"
        raise ConfigError(
            f"{key}._target_ must be a {names} of Optuna or embedtune, but got {address}. "
            f"Choose one by {group}=NAME, see conf/{group}/."
        )
    return found


def with_resource(pruner: Settings, evaluations: int) -> Settings:
    """A pruner's configuration with ``max_resource: auto`` as the number of evaluations of the longest trial."""
    if pruner.get("max_resource") == "auto":
        least = pruner.get("min_resource")
        return {**pruner, "max_resource": max(evaluations, least if isinstance(least, int) else 1)}
    return pruner


def with_groups(sampler: Settings) -> Settings:
    """A sampler's configuration for conditional parameters, which multivariate TPE must be told about."""
    return {"group": True, **sampler} if sampler.get("multivariate") else sampler


def build_sampler(values: Settings, seed_shift: int) -> Any:
    """A sampler whose seed, if it has one, is moved on: workers with equal seeds would draw equal trials."""
    seed = values.get("seed")
    if isinstance(seed, int):
        values = {**values, "seed": seed + seed_shift}
    return build_strategy(SAMPLER, values)
