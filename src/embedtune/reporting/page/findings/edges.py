"""Where the best trial lies at the end of what was searched, and what to search instead. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from embedtune.reporting.page.axes import axis_of
from embedtune.reporting.tables import short_value

NEAR = 0.05
"""Share of the axis, on its own scale, that counts as its end."""
_FACTOR = 3
"""How far a logarithmic range is widened."""


@dataclass(frozen=True)
class Edge:
    """A parameter whose best value lies at an end of its range.

    Attributes:
        key: The parameter.
        value: Of the best trial.
        side: Which end.
        bound: The value at that end.
        scale: How the range is spread, in words.
        widened: The sweep to search instead, in Hydra's grammar.
    """

    key: str
    value: Any
    side: Literal["lower", "upper"]
    bound: Any
    scale: str
    widened: str


def find_edge(key: str, distribution: BaseDistribution, value: Any) -> Edge | None:
    """The edge at which ``value`` lies; None if it does not, or there is nothing beyond."""
    if isinstance(distribution, CategoricalDistribution):
        return _choice_edge(key, distribution, value)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    place = axis_of(key, distribution, []).place(value)
    if distribution.low == distribution.high or NEAR < place < 1 - NEAR:
        return None
    side: Literal["lower", "upper"] = "lower" if place <= NEAR else "upper"
    bound = distribution.low if side == "lower" else distribution.high
    beyond = _beyond(distribution, side)
    if beyond is None:
        return None
    ends = (beyond, distribution.high) if side == "lower" else (distribution.low, beyond)
    scale = "log scale" if distribution.log else "linear scale"
    return Edge(key, value, side, bound, scale, _sweep(distribution, *ends))


def _choice_edge(key: str, distribution: CategoricalDistribution, value: Any) -> Edge | None:
    numbers = [c for c in distribution.choices if isinstance(c, int | float) and not isinstance(c, bool)]
    if len(numbers) != len(distribution.choices) or len(numbers) < 3 or value not in (min(numbers), max(numbers)):
        return None
    ordered = sorted(numbers)
    whole = all(isinstance(number, int) for number in ordered)
    if value == ordered[0]:
        new = value // 2 if whole else round(value / 2, 6)
        if new <= 0 or new == value:
            return None
        return Edge(key, value, "lower", value, "choices", _choice([new, *ordered]))
    new = value * 2 if whole else _short(2 * value - ordered[-2])
    return Edge(key, value, "upper", value, "choices", _choice([*ordered, new]))


def _beyond(distribution: IntDistribution | FloatDistribution, side: str) -> float | int | None:
    """A value past the end; None below zero, where no key of the configuration goes."""
    low, high = distribution.low, distribution.high
    new: float
    if side == "upper":
        new = high * _FACTOR if distribution.log else high + (high - low) / 2
    else:
        new = low / _FACTOR if distribution.log else max(low - (high - low) / 2, low / 2)
    if isinstance(distribution, IntDistribution):
        steps = max(round(abs(new - (high if side == "upper" else low)) / distribution.step), 1) * distribution.step
        whole = high + steps if side == "upper" else low - steps
        return int(whole) if whole > 0 else None
    return _short(new) if new > 0 else None


def _sweep(distribution: IntDistribution | FloatDistribution, low: float, high: float) -> str:
    if isinstance(distribution, IntDistribution):
        text = f"range({low}, {high})" if distribution.step == 1 else f"range({low}, {high}, {distribution.step})"
    elif distribution.step is not None:
        text = f"range({low:.6g}, {high:.6g}, {distribution.step:.6g})"
    else:
        text = f"interval({low:.6g}, {high:.6g})"
    return f"tag(log, {text})" if distribution.log else text


def _choice(values: list[Any]) -> str:
    return f"choice({', '.join(short_value(value) for value in values)})"


def _short(value: float) -> float:
    return float(f"{value:.2g}")
