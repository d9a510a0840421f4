"""Which embedding sizes are trained and measured, and at which the objective is read."""

from __future__ import annotations

from embedtune.config.schema import SMALLEST, Config
from embedtune.errors import ConfigError, join_problems
from embedtune.records import Objective, SecondObjective

DIMS = 5
"""Sizes by default, the full one included."""
SIZE = "eval.dim"
"""Key of the dimension at which a model is read; searched if the embedding size is the second objective."""
WEIGHTS = "loss.matryoshka.weights."
"""Prefix of the keys of the dimensions' weights; one that is not set is 1."""


def default_dims(full: int) -> list[int]:
    """The full size and the largest powers of two below it: 768 gives 768, 512, 256, 128, 64."""
    powers = [1 << exponent for exponent in reversed(range((full - 1).bit_length()))]
    return [full, *powers[: DIMS - 1]]


def dims_problems(config: Config, full: int) -> list[str]:
    """Every dimension asked for that a model of ``full`` dimensions does not have."""
    asked = [("eval.dim", config.eval.dim)]
    if config.loss.matryoshka is not None:
        asked += [("loss.matryoshka.dims", dim) for dim in config.loss.matryoshka.dims or []]
    found = [
        f"{key} must not exceed the model's {full}, but got {dim}. Remove it, or take a larger model."
        for key, dim in asked
        if dim is not None and dim > full
    ]
    dims = measured_dims(config, full)
    if config.eval.dim is not None and config.eval.dim <= full and config.eval.dim not in dims:
        found.append(
            f"eval.dim must be one of the measured {dims}, but got {config.eval.dim}. Add it to loss.matryoshka.dims."
        )
    objective = objective_of(config, full)
    others = [dim for dim in dims if dim != objective.dim]
    if objective.second is not None and not objective.second.is_size and objective.second.dim not in others:
        found.append(
            f"eval.second must be measured and not eval.dim, one of {others}, but got {config.eval.second}. "
            "Add it to loss.matryoshka.dims, or take another."
        )
    if config.loss.matryoshka is not None and config.loss.matryoshka.dims is None:
        found += [
            f"loss.matryoshka.weights.{dim} must be the weight of one of loss.matryoshka.dims, but got dims {dims}. "
            "Name the dims or remove the weight."
            for dim in config.loss.matryoshka.weights
            if int(dim) not in dims
        ]
    return found


def check_dims(config: Config, full: int) -> None:
    """Check the dimensions against the model's full size.

    Raises:
        ConfigError: With every dimension that does not fit.
    """
    found = dims_problems(config, full)
    if found:
        raise ConfigError(join_problems(found))


def trained_dims(config: Config, full: int) -> list[int]:
    """The sizes of the Matryoshka loss, largest first; the full size alone without one."""
    if config.loss.matryoshka is None:
        return [full]
    return sorted(config.loss.matryoshka.dims or default_dims(full), reverse=True)


def trained_weights(config: Config, full: int) -> list[float]:
    """The weights of :func:`trained_dims`, in their order."""
    given = config.loss.matryoshka.weights if config.loss.matryoshka is not None else {}
    return [given.get(str(dim), 1.0) for dim in trained_dims(config, full)]


def measured_dims(config: Config, full: int) -> list[int]:
    """The sizes every evaluation covers, largest first: those trained and always the full one."""
    trained = default_dims(full) if config.loss.matryoshka is None else trained_dims(config, full)
    return sorted({full, *trained}, reverse=True)


def objective_of(config: Config, full: int) -> Objective:
    """The objective of a configuration, given a model of ``full`` dimensions; ``eval.second=smallest`` as a number."""
    second: int | str | None = config.eval.second
    written = min(measured_dims(config, full)) if second == SMALLEST else second
    return Objective(config.eval.objective, config.eval.dim or full, SecondObjective.read(written))
