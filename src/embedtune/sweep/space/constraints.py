"""Constraints that decide whether a trial is worth running or choosing: ``hydra.sweeper.constraints``. Pure.

A constraint over configuration keys alone is judged before a trial: what breaks it is not run. One that names an
outcome, such as ``seconds <= 600`` or ``128/cosine_map@100 >= 0.7``, is judged when the trial has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from embedtune.config.rules.evaluation import OBJECTIVES, objectives_at
from embedtune.errors import ConfigError, join_problems
from embedtune.records import TrialRecord
from embedtune.sweep.space.distributions import ends_of
from embedtune.sweep.space.inequality import Inequality, parse_inequality
from embedtune.sweep.space.space import Space

OUTCOMES = ("value", "seconds", "steps", "tokens", "device_seconds", "peak_memory_bytes")
"""Measured facts of a trial that has ended, beside its metrics."""


@dataclass(frozen=True)
class Constraints:
    """The constraints of a study.

    Attributes:
        before: Those over keys alone.
        after: Those that name an outcome.
        defaults: The numbers of keys that are not searched, or whose condition does not hold.
    """

    before: tuple[Inequality, ...] = ()
    after: tuple[Inequality, ...] = ()
    defaults: Mapping[str, float] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        """As they were written."""
        return [constraint.text for constraint in (*self.before, *self.after)]

    def broken_by(self, point: Mapping[str, Any]) -> Inequality | None:
        """The first constraint that a configuration breaks whatever its outcome; None also where values are open."""
        known = {**self.defaults, **point}
        return next(
            (own for own in self.before if known.keys() >= set(own.names) and own.excess(known.__getitem__) > 0), None
        )

    def amounts(self, record: TrialRecord) -> dict[str, float]:
        """Constraint -> by how much a trial that has ended breaks it, 0 or below if it keeps it.

        A constraint over something that was not measured counts as kept.
        """
        known = {**self.defaults, **record.params, **_outcomes(record)}
        return {
            own.text: 0.0 if any(known.get(name) is None for name in own.names) else own.excess(known.__getitem__)
            for own in (*self.before, *self.after)
        }

    def judge(self, record: TrialRecord) -> dict[str, Any]:
        """Judge a trial's record: the amount of each constraint, and whether none is broken."""
        amounts = self.amounts(record)
        return {"constraints": amounts, "feasible": all(amount <= 0 for amount in amounts.values())} if amounts else {}


def parse_constraints(
    texts: str | Sequence[str] | None, space: Space, default: Callable[[str], Any], dims: Sequence[int]
) -> Constraints:
    """Read constraints and check every name in them.

    Args:
        texts: ``hydra.sweeper.constraints``.
        space: What is searched.
        default: The value of a key of the configuration; KeyError if there is none.
        dims: The dimensions that are measured.

    Raises:
        ConfigError: With every constraint that cannot be read or judged.
    """
    before: list[Inequality] = []
    after: list[Inequality] = []
    defaults: dict[str, float] = {}
    problems: list[str] = []
    outcomes = {*OUTCOMES, *(f"{dim}/{metric}" for dim in dims for metric in _measured(default))}
    for text in [texts] if isinstance(texts, str) else texts or []:
        try:
            constraint = parse_inequality(str(text))
            keys = [name for name in constraint.names if name not in outcomes]
            for key in keys:
                _check_numbers(key, space)
                defaults |= _default(key, space, default, dims)
        except ValueError as error:
            problems.append(
                f"hydra.sweeper.constraints must be inequalities between numbers, keys and outcomes, but got {text} "
                f"({error}). Outcomes are {', '.join(OUTCOMES)} and metrics such as {dims[0]}/cosine_map@100."
            )
            continue
        (after if len(keys) < len(constraint.names) else before).append(constraint)
    if problems:
        raise ConfigError(join_problems(problems))
    return Constraints(tuple(before), tuple(after), defaults)


def _measured(default: Callable[[str], Any]) -> Sequence[str]:
    """The metrics that trials will have."""
    try:
        return objectives_at(default("eval.cutoffs"), default("eval.objective"))
    except KeyError:
        return OBJECTIVES


def _check_numbers(key: str, space: Space) -> None:
    values = ends_of(space.distributions[key]) if key in space.distributions else []
    odd = [value for value in values if not _is_number(value)]
    if odd:
        raise ValueError(f"{key} can be {odd[0]}, which is no number")


def _default(key: str, space: Space, default: Callable[[str], Any], dims: Sequence[int]) -> dict[str, float]:
    """The number a key has where no trial chooses it; none for one that every trial chooses."""
    if key in space.distributions and key not in space.conditions:
        return {}
    try:
        value = default(key)
    except KeyError:
        if "/" in key:
            raise ValueError(f"{key} is not measured; dimensions are {', '.join(map(str, dims))}") from None
        raise ValueError(f"there is no {key}") from None
    if not _is_number(value):
        raise ValueError(f"{key} is {value}, which is no number")
    return {key: value}


def _outcomes(record: TrialRecord) -> dict[str, Any]:
    metrics = {f"{dim}/{name}": value for dim, values in record.metrics.items() for name, value in values.items()}
    facts = {name: record.facts.get(name) for name in OUTCOMES if name in record.facts}
    return {**metrics, **facts, "value": record.value, "seconds": record.seconds}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
