"""What a study will be, checked before anything is written."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import OmegaConf
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from embedtune.bench import Bench, prepare
from embedtune.config import Config, dims_problems, objective_dim, trained_dims
from embedtune.errors import ConfigError, EmbedtuneError, join_problems
from embedtune.model import known_dimension
from embedtune.sweep.definition import define_study
from embedtune.sweep.space import Space, build_space, split_arguments, to_overrides
from embedtune.sweep.strategies import build_strategy
from embedtune.sweep.worker import Compose

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """A study that was checked and can begin."""

    config: Config
    bench: Bench
    space: Space
    definition: Mapping[str, Any]
    sampler: Mapping[str, Any] | None
    pruner: Mapping[str, Any] | None


def plan_sweep(compose: Compose, arguments: Sequence[str], sweeper: Mapping[str, Any]) -> Plan:
    """Check configuration, space, data and model together, before anything is written.

    Args:
        compose: Overrides to a configuration.
        arguments: Overrides of the command line.
        sweeper: ``hydra.sweeper``: params, sampler and pruner.

    Raises:
        UserError: With every problem found.
    """
    fixed, searched = split_arguments(arguments, sweeper.get("params") or {})
    config = compose(fixed)
    bench = prepare(config)
    space = build_space(fixed, searched, trained_dims(config, bench.dim))
    _check_corners(compose, space, config, bench)
    definition = define_study(
        config,
        bench.task,
        objective_dim(config, bench.dim),
        space=space.texts,
        sampler=sweeper.get("sampler"),
        pruner=sweeper.get("pruner"),
    )
    for key in ("sampler", "pruner"):
        build_strategy(f"hydra.sweeper.{key}", sweeper.get(key))
    return Plan(config, bench, space, definition, sweeper.get("sampler"), sweeper.get("pruner"))


def default_params(plan: Plan) -> dict[str, Any]:
    """The recipe of the configuration as a point of the space; what lies outside is left to the sampler."""
    values = OmegaConf.structured(plan.config)
    params: dict[str, Any] = {}
    for key, distribution in plan.space.distributions.items():
        default = OmegaConf.select(values, key, default=1.0 if key.startswith("loss.matryoshka.weights.") else None)
        value = getattr(default, "name", default)  # enums are searched by name
        if isinstance(distribution, CategoricalDistribution):
            inside = value in distribution.choices
        else:
            assert isinstance(distribution, IntDistribution | FloatDistribution)
            inside = isinstance(value, int | float) and distribution.low <= value <= distribution.high
        if inside:
            params[key] = value
        else:
            logger.warning("Trial 0: the default %s=%s is outside the space; the sampler chooses it", key, value)
    return params


def _check_corners(compose: Compose, space: Space, base: Config, bench: Bench) -> None:
    """Compose points that touch the ends of every parameter, so that no trial finds a wrong value later."""
    problems: dict[str, None] = {}
    for point in space.corners():
        overrides = to_overrides(point)
        try:
            config = compose([*space.fixed, *overrides])
            dim = bench.dim if config.model == base.model else known_dimension(config.model)
            problems |= dict.fromkeys(dims_problems(config, dim) if dim else [])
        except EmbedtuneError as error:
            problems |= dict.fromkeys(str(error).splitlines())
    if problems:
        raise ConfigError(join_problems(f"hydra.sweeper.params: {problem}" for problem in problems))
