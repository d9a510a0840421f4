"""The search space: Hydra's override grammar into Optuna distributions. Pure.

The meaning is that of hydra-optuna-sweeper: ``choice`` is categorical, ``range`` is stepped and includes its stop,
``interval`` is continuous, ``int(interval(...))`` whole numbers, and ``tag(log, ...)`` makes either logarithmic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep, Transformer
from hydra.errors import HydraException, OverrideParseException
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial

from embedtune.config.explain import explain
from embedtune.errors import ConfigError, join_problems

EACH = "loss.matryoshka.weights.each"
"""Stands for one key per Matryoshka dimension."""
SEARCHABLE = ("train", "loss", "model")
"""What a trial may vary; with other data or another objective its score would not compare."""


@dataclass(frozen=True)
class Space:
    """What is searched and what is fixed.

    Attributes:
        distributions: Key -> what it may be.
        texts: Key -> the sweep as the user wrote it.
        fixed: Overrides that hold for every trial.
    """

    distributions: Mapping[str, BaseDistribution]
    texts: Mapping[str, str]
    fixed: tuple[str, ...]

    def suggest(self, trial: Trial) -> dict[str, Any]:
        """The values a trial takes."""
        return {key: _suggest(trial, key, distribution) for key, distribution in self.distributions.items()}

    def corners(self) -> list[dict[str, Any]]:
        """Points that together touch both ends of every parameter, and every choice."""
        ends = {key: _ends(distribution) for key, distribution in self.distributions.items()}
        points = max((len(values) for values in ends.values()), default=1)
        return [{key: values[min(i, len(values) - 1)] for key, values in ends.items()} for i in range(points)]


def split_arguments(arguments: Sequence[str], params: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Separate what every trial gets from what is searched.

    Args:
        arguments: Overrides of the command line; a sweep replaces the entry of ``params``, a value removes it.
        params: ``hydra.sweeper.params``.

    Returns:
        The fixed overrides, and the searched keys with their sweep as text.

    Raises:
        ConfigError: An override cannot be parsed.
    """
    written = [f"{key}={value}" for key, value in params.items() if value is not None]
    space: dict[str, str] = {}
    fixed: dict[str, str] = {}
    for override in _parse([*written, *arguments]):
        key = override.get_key_element().lstrip("+~")
        text = str(override.input_line)
        space.pop(key, None)
        fixed.pop(key, None)
        if override.is_sweep_override():
            space[key] = text.partition("=")[2]
        else:
            fixed[key] = text
    return list(fixed.values()), space


def build_space(fixed: Iterable[str], searched: Mapping[str, str], dims: Sequence[int]) -> Space:
    """Turn the searched keys into distributions.

    Args:
        fixed: Overrides that hold for every trial.
        searched: Key -> sweep as text.
        dims: The trained dimensions, for ``loss.matryoshka.weights.each``; a lone dimension needs no weight.

    Raises:
        ConfigError: With every sweep that cannot be searched.
    """
    fixed = tuple(fixed)
    texts = _expand(searched, dims, {override.partition("=")[0].lstrip("+") for override in fixed})
    distributions: dict[str, BaseDistribution] = {}
    problems = [
        f"{key} must have one value, as all but {', '.join(SEARCHABLE)} and their keys, but got {text}. Choose one."
        for key, text in texts.items()
        if key.partition(".")[0] not in SEARCHABLE
    ]
    for override in _parse(f"{key}={text}" for key, text in texts.items()):
        key = override.get_key_element()
        try:
            distributions[key] = _distribution(override)
        except (ValueError, HydraException) as error:
            problems.append(f"{key} must be a sweep that can be searched, but got {texts[key]} ({error}). Change it.")
    if problems:
        raise ConfigError(join_problems(problems))
    return Space(distributions, texts, fixed)


def to_overrides(params: Mapping[str, Any]) -> list[str]:
    """Parameter values as overrides."""
    return [f"{key}={'null' if value is None else value}" for key, value in params.items()]


def _expand(searched: Mapping[str, str], dims: Sequence[int], fixed: set[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for key, text in searched.items():
        if key == EACH:
            keys = [key.replace("each", str(dim)) for dim in dims] if len(dims) > 1 else []
            texts.update({name: text for name in keys if name not in searched and name not in fixed})
        else:
            texts[key] = text
    return texts


def _parse(overrides: Iterable[str]) -> list[Override]:
    try:
        return OverridesParser.create().parse_overrides(list(overrides))
    except OverrideParseException as error:
        raise ConfigError(explain(error)) from error


def _distribution(override: Override) -> BaseDistribution:
    value: Any = override.value()
    if override.is_choice_sweep():
        return CategoricalDistribution(_choices(override))
    if isinstance(value, RangeSweep):
        return _numeric(value.start, value.stop, value.step, "log" in value.tags)
    if isinstance(value, IntervalSweep):
        return _numeric(value.start, value.end, None, "log" in value.tags)
    raise ValueError("choice, range and interval can be searched")


def _choices(override: Override) -> list[str | int | float | bool | None]:
    choices = list(override.sweep_iterator(transformer=Transformer.identity))
    odd = [choice for choice in choices if isinstance(choice, list | dict)]
    if odd:
        raise ValueError(f"a choice must be text, a number, true, false or null, not {odd[0]}")
    return choices  # type: ignore[return-value]  # narrowed above


def _numeric(low: Any, high: Any, step: Any, log: bool) -> BaseDistribution:
    if all(isinstance(value, int) for value in (low, high, step) if value is not None):
        return IntDistribution(low, high, log=log, step=1 if step is None or log else step)
    return FloatDistribution(float(low), float(high), log=log, step=None if step is None or log else float(step))


def _suggest(trial: Trial, key: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(key, distribution.choices)
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(key, distribution.low, distribution.high, step=distribution.step, log=distribution.log)
    assert isinstance(distribution, FloatDistribution)
    return trial.suggest_float(key, distribution.low, distribution.high, step=distribution.step, log=distribution.log)


def _ends(distribution: BaseDistribution) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return [distribution.low, distribution.high]
