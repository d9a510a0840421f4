"""Distributions of parameters: Hydra's override grammar as Optuna's distributions, and their values. Pure.

The meaning is that of hydra-optuna-sweeper: ``choice`` is categorical, ``range`` is stepped and includes its stop,
``interval`` is continuous, ``int(interval(...))`` whole numbers, and ``tag(log, ...)`` makes either logarithmic.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, overload

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial

from embedtune.config.grammar import choices, refuse_shuffle, same
from embedtune.config.hydra_private import IntervalSweep, Override, RangeSweep

_OFF_STEP = 1e-8
"""How far, in steps, a value may lie from its step: what floating point makes of 0.1 + 0.2."""

_MOST_WHOLE = 2**53
"""Larger whole numbers are not exact once they are stored as floating point."""


def distribution_of(override: Override) -> BaseDistribution:
    """The distribution that a sweep override stands for.

    Raises:
        ValueError: It cannot be searched.
    """
    value: Any = override.value()
    if override.is_choice_sweep():
        return CategoricalDistribution(choices(override))
    if isinstance(value, RangeSweep):
        refuse_shuffle(value)
        return _numeric(value.start, value.stop, value.step, "log" in value.tags)
    if isinstance(value, IntervalSweep):
        return _numeric(value.start, value.end, None, "log" in value.tags)
    raise ValueError("choice, range and interval can be searched")


def contains(distribution: BaseDistribution, value: Any) -> bool:
    """Whether a parameter can take this value."""
    if isinstance(distribution, CategoricalDistribution):
        return any(same(value, choice) for choice in distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return False
    whole = isinstance(distribution, FloatDistribution) or value == int(value)
    return whole and distribution.low <= value <= distribution.high and _on_step(distribution, value)


@dataclass(frozen=True)
class _Steps(Sequence[float]):
    """Stepped values, each made when it is asked for: a range may have a billion."""

    low: Decimal
    step: Decimal
    steps: int

    def __len__(self) -> int:
        return self.steps + 1

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[float]: ...
    def __getitem__(self, index: int | slice) -> float | Sequence[float]:
        found = range(len(self))[index]
        return [self[i] for i in found] if isinstance(found, range) else float(self.low + found * self.step)


def values_of(distribution: BaseDistribution) -> Sequence[Any] | None:
    """Every value, in order; None for an interval, which has infinitely many."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    if distribution.step is None:
        return [distribution.low] if distribution.single() else None
    if isinstance(distribution, IntDistribution):
        return range(distribution.low, distribution.high + 1, distribution.step)
    low, step = Decimal(str(distribution.low)), Decimal(str(distribution.step))
    return _Steps(low, step, _steps(distribution, distribution.high))


def ends_of(distribution: BaseDistribution) -> list[Any]:
    """Every choice, or both ends."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return [distribution.low, distribution.high]


def suggest(trial: Trial, key: str, distribution: BaseDistribution) -> Any:
    """The value the sampler chooses for a trial."""
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(key, distribution.choices)
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(key, distribution.low, distribution.high, step=distribution.step, log=distribution.log)
    assert isinstance(distribution, FloatDistribution)
    return trial.suggest_float(key, distribution.low, distribution.high, step=distribution.step, log=distribution.log)


def draw(distribution: BaseDistribution, random: Random) -> Any:
    """A value at random: evenly over values, or over their logarithms."""
    if isinstance(distribution, CategoricalDistribution):
        return random.choice(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    values = values_of(distribution)
    if values is not None and not distribution.log:
        return random.choice(values)
    low, high = distribution.low, distribution.high
    value = math.exp(random.uniform(math.log(low), math.log(high))) if distribution.log else random.uniform(low, high)
    value = min(max(value, low), high)
    return round(value) if isinstance(distribution, IntDistribution) else value


def canonical(distribution: BaseDistribution, value: Any) -> Any:
    """A contained value in its canonical form: of several spellings, such as 5 and 5.0, always the same."""
    if isinstance(distribution, CategoricalDistribution):
        return next(choice for choice in distribution.choices if same(value, choice))
    return int(value) if isinstance(distribution, IntDistribution) else float(value)


def identity(distribution: BaseDistribution, value: Any) -> str:
    """Text that is equal for equal values; stepped ones count as their step, however they were computed."""
    if isinstance(distribution, FloatDistribution) and distribution.step is not None:
        return str(_steps(distribution, value))
    return repr(canonical(distribution, value))


def _numeric(low: Any, high: Any, step: Any, log: bool) -> BaseDistribution:
    numbers = [value for value in (low, high, step) if value is not None]
    whole = all(isinstance(value, int) for value in numbers)
    if not all(abs(value) <= (_MOST_WHOLE if whole else sys.float_info.max) for value in numbers):
        raise ValueError(f"its numbers must be finite, and whole ones at most {_MOST_WHOLE}")
    if whole:
        return IntDistribution(low, high, log=log, step=1 if step is None or log else step)
    try:
        return FloatDistribution(float(low), float(high), log=log, step=None if step is None or log else float(step))
    except ArithmeticError as error:
        raise ValueError("its step is too small for its ends") from error


def _steps(distribution: FloatDistribution, value: float) -> int:
    assert distribution.step is not None
    return round((value - distribution.low) / distribution.step)


def _on_step(distribution: IntDistribution | FloatDistribution, value: float) -> bool:
    if distribution.step is None:
        return True
    steps = (value - distribution.low) / distribution.step
    return abs(steps - round(steps)) < _OFF_STEP
