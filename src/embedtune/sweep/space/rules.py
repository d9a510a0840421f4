"""Rules for what is worth running in a study: its space, its constraints, and whether configurations may repeat."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from embedtune.errors import ConfigError, join_problems
from embedtune.sweep.space.constraints import Constraints, parse_constraints
from embedtune.sweep.space.space import Identity, Point, Space
from embedtune.sweep.space.values import Values

logger = logging.getLogger(__name__)

DRAWS = 10_000
"""The largest space whose configurations are counted; in larger ones, this many are drawn to find a new one."""


@dataclass(frozen=True)
class Rules:
    """The rules for what is worth running.

    Attributes:
        space: What is searched.
        constraints: What a configuration must satisfy.
        points: Every configuration that is worth running, in order; None if there are infinitely many.
        repeats: Whether a configuration that was tried is run again with another seed.
    """

    space: Space
    constraints: Constraints = field(default_factory=Constraints)
    points: Mapping[Identity, Point] | None = None
    repeats: bool = False

    def drawn(self, random: Random) -> list[Point]:
        """Those of ``DRAWS`` random points that are worth running."""
        points = (self.space.draw(random) for _ in range(DRAWS))
        return [point for point in points if self.constraints.broken_by(point) is None]

    def total(self, asked: int | None) -> int:
        """``study.n_trials``, but at most the number of configurations; null asks for all.

        Raises:
            ConfigError: All were asked for, and there are infinitely many.
        """
        if self.points is None:
            if asked is None:
                raise ConfigError(
                    f"study.n_trials must be given for a space with intervals or more than {DRAWS} configurations, "
                    "but got null. Add study.n_trials=20."
                )
            return asked
        if asked is None or (asked > len(self.points) and not self.repeats):
            logger.info("The space has %d configurations that are worth running; they are the study", len(self.points))
            return len(self.points)
        return asked


def make_rules(sweeper: Mapping[str, Any], space: Space, default: Values, dims: Sequence[int]) -> Rules:
    """The rules of a study.

    Args:
        sweeper: ``hydra.sweeper``: constraints and repeats.
        space: What is searched.
        default: The value of a key that is not searched.
        dims: The dimensions that are measured.

    Raises:
        ConfigError: With every rule that makes no sense.
    """
    constraints, repeats = parse_constraints(sweeper.get("constraints"), space, default, dims), sweeper.get("repeats")
    problems = []
    if repeats not in (True, False, None, "seed"):
        problems.append(f"hydra.sweeper.repeats must be true or false, but got {repeats}. Try true.")
    if repeats and "train.seed" in space.distributions:
        problems.append("train.seed must have one value with hydra.sweeper.repeats, but it is searched. Choose one.")
    rules = Rules(space, constraints, worth_running(space, constraints), bool(repeats))
    if constraints.before and not (rules.drawn(Random(0)) if rules.points is None else rules.points):
        problems.append(
            "hydra.sweeper.constraints must leave some of the space, but no configuration keeps "
            f"{'; '.join(own.text for own in constraints.before)}. Loosen them or widen the space."
        )
    if problems:
        raise ConfigError(join_problems(problems))
    return rules


def worth_running(space: Space, constraints: Constraints) -> dict[Identity, Point] | None:
    """Every configuration that keeps the constraints; None if there are infinitely many, or more than ``DRAWS``."""
    if space.endless:
        return None
    found: dict[Identity, Point] = {}
    for seen, point in enumerate(space.points()):
        if seen == DRAWS:
            return None
        if constraints.broken_by(point) is None:
            found[space.identity(point)] = point
    return found
