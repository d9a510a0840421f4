"""Where a parameter's value lies on its axis: linear, logarithmic, or one place for each choice. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from embedtune.reporting.tables import short_key, short_value

_TICKS = 7
"""More choices than this share tick labels."""
_WIDE = 30
"""Ratio of ends from which an axis without a definition is taken as logarithmic."""


@dataclass(frozen=True)
class Axis:
    """The axis of one parameter.

    Attributes:
        key: The parameter.
        kind: How values are spread.
        low: The lower end; the index of the first choice.
        high: The upper end; the index of the last choice.
        choices: What may be chosen, in order.
    """

    key: str
    kind: Literal["linear", "log", "choice"]
    low: float
    high: float
    choices: tuple[Any, ...] = ()

    @property
    def label(self) -> str:
        """A short name."""
        return short_key(self.key) + (" (log)" if self.kind == "log" else "")

    def place(self, value: Any) -> float:
        """From 0 at the lower end to 1 at the upper; a single value lies in the middle."""
        if self.low == self.high:
            return 0.5
        if self.kind == "choice":
            return self.choices.index(value) / self.high
        if self.kind == "log":
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (float(value) - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """Places and their labels."""
        if self.kind == "choice":
            step = math.ceil(len(self.choices) / _TICKS)
            return [(self.place(choice), short_value(choice)) for choice in self.choices[::step]]
        if self.low == self.high:
            return [(0.5, short_value(self.low))]
        inner = _decades(self.low, self.high) if self.kind == "log" else [(self.low + self.high) / 2]
        apart = [value for value in inner if 0.12 < self.place(value) < 0.88]
        return [(self.place(value), f"{value:.3g}") for value in (self.low, *apart, self.high)]


def axis_of(key: str, distribution: BaseDistribution | None, values: Sequence[Any]) -> Axis:
    """The axis of a parameter.

    Args:
        key: The parameter.
        distribution: What it may be; None takes the ends from ``values``.
        values: Those that trials took.
    """
    if isinstance(distribution, IntDistribution | FloatDistribution):
        kind: Literal["linear", "log"] = "log" if distribution.log else "linear"
        return Axis(key, kind, distribution.low, distribution.high)
    if isinstance(distribution, CategoricalDistribution):
        choices = list(distribution.choices)
    else:
        if values and all(_is_number(value) for value in values) and len(set(values)) > 1:
            low, high = min(values), max(values)
            return Axis(key, "log" if low > 0 and high / low >= _WIDE else "linear", low, high)
        choices = []
    for value in values:
        if value not in choices:
            choices.append(value)
    return Axis(key, "choice", 0, max(len(choices) - 1, 0), tuple(choices))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten between the ends."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**power for power in range(first, last + 1) if low < 10.0**power < high]
