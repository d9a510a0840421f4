"""The search space: which keys are searched, the values of each, and when it exists. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hydra.errors import HydraException
from optuna.distributions import BaseDistribution
from optuna.trial import Trial

from embedtune.config import SIZE
from embedtune.config.grammar import parse, quote
from embedtune.errors import ConfigError, join_problems
from embedtune.sweep.space.conditions import Condition, in_order, parse_conditions, required, resolve
from embedtune.sweep.space.distributions import distribution_of, draw, ends_of, identity, suggest, values_of

EACH = "loss.matryoshka.weights.each"
"""Stands for one key per Matryoshka dimension."""
RATES = "model.learning_rates."
"""Prefix of keys that say what is searched, and are not searched themselves."""
SEARCHABLE = ("train", "loss", "model")
"""Groups that a trial may vary; with other data or another objective its score would not be comparable."""


Point = dict[str, Any]
"""Searched keys and their values; a key whose condition does not hold is absent."""
Identity = tuple[tuple[str, str], ...]
"""Keys and values in a form that is equal for equal points."""


@dataclass(frozen=True)
class Space:
    """The searched and the fixed settings.

    Attributes:
        distributions: Key -> what it may be, each after the key its condition names.
        texts: Key -> the sweep as the user wrote it.
        fixed: Overrides that hold for every trial.
        conditions: Key -> when it exists; keys without one always do.
    """

    distributions: Mapping[str, BaseDistribution]
    texts: Mapping[str, str]
    fixed: tuple[str, ...]
    conditions: Mapping[str, Condition] = field(default_factory=dict)

    def suggest(self, trial: Trial) -> Point:
        """The values a trial takes."""
        return self.fill(lambda key, distribution: suggest(trial, key, distribution))

    def draw(self, random: Random) -> Point:
        """A point at random."""
        return self.fill(lambda _, distribution: draw(distribution, random))

    def fill(self, choose: Callable[[str, BaseDistribution], Any]) -> Point:
        """The point made of what ``choose`` gives for each key that exists."""
        point: Point = {}
        for key, distribution in self.distributions.items():
            if self.has(key, point):
                point[key] = choose(key, distribution)
        return point

    def has(self, key: str, point: Mapping[str, Any]) -> bool:
        """Whether a key exists beside the values before it."""
        condition = self.conditions.get(key)
        return condition is None or (condition.key in point and condition.holds(point[condition.key]))

    @property
    def endless(self) -> list[str]:
        """The keys that have an interval."""
        return [key for key, distribution in self.distributions.items() if values_of(distribution) is None]

    def points(self) -> Iterator[Point]:
        """Every point once, in the order written; for a space without intervals."""
        values = {key: values_of(distribution) or [] for key, distribution in self.distributions.items()}
        yield from self._extensions(list(values), values, {})

    def _extensions(self, keys: Sequence[str], values: Mapping[str, Sequence[Any]], point: Point) -> Iterator[Point]:
        if not keys:
            yield point
        elif self.has(keys[0], point):
            for value in values[keys[0]]:
                yield from self._extensions(keys[1:], values, {**point, keys[0]: value})
        else:
            yield from self._extensions(keys[1:], values, point)

    def identity(self, point: Mapping[str, Any]) -> Identity:
        """Equal for equal points."""
        return tuple((key, identity(own, point[key])) for key, own in self.distributions.items() if key in point)

    def corners(self) -> list[Point]:
        """Points that together touch both ends of every parameter, and every choice."""
        ends = {key: ends_of(distribution) for key, distribution in self.distributions.items()}
        longest = max((len(values) for values in ends.values()), default=1)
        points = [{key: values[min(i, len(values) - 1)] for key, values in ends.items()} for i in range(longest)]
        points += [
            {**points[0], **required(key, self.conditions, self.distributions), key: value}
            for key in self.conditions
            for value in ends[key]
        ]
        return [self.fill(lambda key, _, point=point: point[key]) for point in points]  # type: ignore[misc]


def split_arguments(arguments: Sequence[str], params: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Separate the fixed settings from the searched ones.

    Args:
        arguments: Overrides of the command line; a sweep replaces the entry of ``params``, a value removes it.
        params: ``hydra.sweeper.params``.

    Returns:
        The fixed overrides, and the searched keys with their sweep as text.

    Raises:
        ConfigError: An override cannot be parsed.
    """
    written = [
        f"{key}={value if isinstance(value, str) else quote(value)}"  # text is in the grammar already
        for key, value in params.items()
        if value is not None
    ]
    space: dict[str, str] = {}
    fixed: dict[str, str] = {}
    for override in parse([*written, *arguments]):
        key = override.get_key_element().lstrip("+~")
        text = str(override.input_line)
        space.pop(key, None)
        fixed.pop(key, None)
        if override.is_sweep_override():
            space[key] = text.partition("=")[2]
        else:
            fixed[key] = text
    return list(fixed.values()), space


def build_space(
    fixed: Iterable[str],
    searched: Mapping[str, str],
    dims: Sequence[int],
    *,
    sized: bool = False,
    conditions: Mapping[str, str] | None = None,
    default: Callable[[str], Any] | None = None,
) -> Space:
    """Turn the searched keys into distributions.

    Args:
        fixed: Overrides that hold for every trial.
        searched: Key -> sweep as text.
        dims: The trained dimensions, for ``loss.matryoshka.weights.each``; a lone dimension needs no weight.
        sized: Whether ``eval.dim`` may be searched, because the size of the embedding is an objective.
        conditions: Key -> condition as text, ``hydra.sweeper.conditions``.
        default: The value of a key that is not searched; KeyError if it has none.

    Raises:
        ConfigError: With every sweep that cannot be searched, or every condition that cannot hold.
    """
    fixed = tuple(fixed)
    fixed_keys = {override.partition("=")[0].lstrip("+") for override in fixed}
    texts = _expand(searched, dims, fixed_keys)
    distributions: dict[str, BaseDistribution] = {}
    problems = [
        f"{key} must have one value, as all but {', '.join(SEARCHABLE)} and their keys, but got {text}. Choose one."
        for key, text in texts.items()
        if key.partition(".")[0] not in SEARCHABLE and not (sized and key == SIZE)
    ]
    problems += [
        f"{key} must have one value, but got {text}. Search train.learning_rate."
        for key, text in texts.items()
        if key.startswith(RATES)
    ]
    problems += [
        f"hydra.sweeper.conditions.{key} must be for a searched key, but {key} is none. Remove it or search {key}."
        for key in conditions or {}
        if key not in {*searched, *texts, *fixed_keys}
    ]
    for override in parse(f"{key}={text}" for key, text in texts.items()):
        key = override.get_key_element()
        try:
            distributions[key] = distribution_of(override)
        except (ValueError, HydraException) as error:
            problems.append(f"{key} must be a sweep that can be searched, but got {texts[key]} ({error}). Change it.")
    if problems:
        raise ConfigError(join_problems(problems))
    given = parse_conditions(_expand(conditions or {}, dims, {*(conditions or {})} | fixed_keys))
    left = resolve(in_order(list(texts), given), given, distributions, default or _no_value)
    return Space(
        {key: distributions[key] for key in left},
        {key: texts[key] for key in texts if key in left},
        fixed,
        {key: condition for key, condition in left.items() if condition is not None},
    )


def to_overrides(params: Mapping[str, Any]) -> list[str]:
    """Parameter values as overrides."""
    return [f"{key}={quote(value)}" for key, value in params.items()]


def _expand(searched: Mapping[str, str], dims: Sequence[int], fixed: set[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for key, text in searched.items():
        if key == EACH:
            keys = [key.replace("each", str(dim)) for dim in dims] if len(dims) > 1 else []
            texts.update({name: text for name in keys if name not in searched and name not in fixed})
        else:
            texts[key] = text
    return texts


def _no_value(key: str) -> Any:
    raise KeyError(key)
