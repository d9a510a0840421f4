"""Parameters that exist only under a choice of another: ``hydra.sweeper.conditions``. Pure.

A condition is written ``train.scheduler=cosine`` or ``train.scheduler=choice(cosine,polynomial)``. A parameter whose
condition does not hold is not suggested; its configuration keeps the default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.errors import HydraException
from optuna.distributions import BaseDistribution

from embedtune.config.grammar import Value, choices, parse, quote, same
from embedtune.config.hydra_private import Override
from embedtune.errors import ConfigError, join_problems
from embedtune.sweep.space.distributions import contains


@dataclass(frozen=True)
class Condition:
    """One key must have one of these values."""

    key: str
    values: tuple[Value, ...]

    @property
    def text(self) -> str:
        """Its text form; true and false as Python has them, because a study's definition holds this text."""
        written = [str(value) if isinstance(value, bool) else quote(value) for value in self.values]
        return f"{self.key}={written[0]}" if len(written) == 1 else f"{self.key}=choice({', '.join(written)})"

    def holds(self, value: Any) -> bool:
        """Whether the key's value is one of those."""
        return any(same(value, own) for own in self.values)


def parse_conditions(texts: Mapping[str, str]) -> dict[str, Condition]:
    """Parameter -> its condition.

    Raises:
        ConfigError: With every condition that cannot be read.
    """
    found: dict[str, Condition] = {}
    problems: list[str] = []
    for key, text in texts.items():
        try:
            [override] = parse([str(text)])
            found[key] = Condition(override.get_key_element().lstrip("+"), _values(override))
        except (ConfigError, HydraException, ValueError):
            problems.append(
                f"hydra.sweeper.conditions.{key} must be KEY=VALUE or KEY=choice(A,B), but got {text}. Rewrite it."
            )
    if problems:
        raise ConfigError(join_problems(problems))
    return found


def in_order(keys: Sequence[str], conditions: Mapping[str, Condition]) -> list[str]:
    """The keys in their order, but each after the one its condition names.

    Raises:
        ConfigError: Conditions depend on each other in a circle.
    """
    ordered: list[str] = []

    def place(key: str, below: tuple[str, ...]) -> None:
        if key in below:
            circle = " -> ".join([*below[below.index(key) :], key])
            raise ConfigError(
                f"hydra.sweeper.conditions must not depend on each other, but got {circle}. Remove one of them."
            )
        if key in ordered or key not in keys:
            return
        if key in conditions:
            place(conditions[key].key, (*below, key))
        ordered.append(key)

    for key in keys:
        place(key, ())
    return ordered


def resolve(
    keys: Sequence[str],
    conditions: Mapping[str, Condition],
    distributions: Mapping[str, BaseDistribution],
    default: Callable[[str], Any],
) -> dict[str, Condition | None]:
    """Decide what can be decided before any trial: conditions on keys that are not searched.

    Args:
        keys: What is searched, from :func:`in_order`.
        conditions: Of these keys.
        distributions: What the searched keys may be.
        default: The value of a key that is not searched.

    Returns:
        The keys that can exist, in order, each with the condition that is left to decide in a trial.

    Raises:
        ConfigError: With every condition on a key that does not exist, or that can never hold.
    """
    left: dict[str, Condition | None] = {}
    problems: list[str] = []
    for key in keys:
        condition = conditions.get(key)
        if condition is None:
            left[key] = None
        elif condition.key in left:
            left[key] = condition
            if not any(contains(distributions[condition.key], value) for value in condition.values):
                problems.append(
                    f"hydra.sweeper.conditions.{key} must be one that can hold, but got {condition.text}, which "
                    f"{condition.key} cannot be. Take one of its values."
                )
        elif condition.key not in keys:
            try:
                if condition.holds(default(condition.key)):
                    left[key] = None
            except KeyError:
                problems.append(
                    f"hydra.sweeper.conditions.{key} must name a searched key or one with a value, but got "
                    f"{condition.key}. Correct it."
                )
    if problems:
        raise ConfigError(join_problems(problems))
    return left


def required(
    key: str, conditions: Mapping[str, Condition], distributions: Mapping[str, BaseDistribution]
) -> dict[str, Value]:
    """Values of other keys, in their ranges, under which ``key`` exists."""
    found: dict[str, Value] = {}
    while key in conditions:
        condition = conditions[key]
        key = condition.key
        found[key] = next(value for value in condition.values if contains(distributions[key], value))
    return found


def _values(override: Override) -> tuple[Value, ...]:
    if override.is_choice_sweep():
        return tuple(choices(override))
    value: Any = override.value()
    if override.is_sweep_override() or isinstance(value, list | dict):
        raise ValueError("one value or a choice")
    return (value,)
