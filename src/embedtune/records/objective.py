"""The objective of a study: a metric at one dimension, and a second objective where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from embedtune.records.data import Metrics, RetrievalScores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Direction = Literal["maximize", "minimize"]
"""In Optuna's words."""

_SIZE = "dimension"
"""How the size of the embedding is written as a second objective."""


@dataclass(frozen=True)
class SecondObjective:
    """The metric at another dimension, larger is better; or the size of the embedding itself, smaller is better.

    Attributes:
        dim: The dimension at which the metric is read too; None for the size itself, of which every trial has its own.
    """

    dim: int | None

    @classmethod
    def read(cls, written: int | str | None) -> SecondObjective | None:
        """From :attr:`written`; None stands for one objective alone."""
        return None if written is None else cls(None if written == _SIZE else int(written))

    @property
    def written(self) -> int | str:
        """As configurations and records have it: the dimension, or ``dimension``."""
        return _SIZE if self.dim is None else self.dim

    @property
    def is_size(self) -> bool:
        """Whether it is the size of the embedding."""
        return self.dim is None

    @property
    def direction(self) -> Direction:
        """Whether more or less of it is better."""
        return "minimize" if self.is_size else "maximize"

    @property
    def label(self) -> str:
        """The heading of its values: ``@128d`` or ``dimension``."""
        return _SIZE if self.dim is None else f"@{self.dim}d"

    def plain(self, value: float) -> float | int:
        """A value as JSON has it: sizes are whole."""
        return int(value) if self.is_size else value

    def text(self, value: float | None) -> str:
        """A value for people; empty without one."""
        if value is None:
            return ""
        return f"{value:.0f}" if self.is_size else f"{value:.4f}"

    def merit(self, value: float) -> float:
        """A value so that the larger one is better."""
        return -value if self.is_size else value


@dataclass(frozen=True)
class Objective:
    """The objective of a study.

    Attributes:
        metric: Such as ``cosine_map@100``; larger is better.
        dim: The dimension at which it is read; with the size as second objective that of the default configuration,
            and of a trial its own.
        second: None with one objective.
    """

    metric: str
    dim: int
    second: SecondObjective | None = None

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Of the metric, and of the second objective where there is one."""
        return ("maximize",) if self.second is None else ("maximize", self.second.direction)

    def value(self, metrics: Metrics) -> float:
        """The metric in an evaluation."""
        return metrics[str(self.dim)][self.metric]

    def second_quality(self, metrics: Metrics) -> float | None:
        """The second objective in an evaluation; None without one, and for a size, which is no measurement."""
        if self.second is None or self.second.dim is None:
            return None
        return metrics[str(self.second.dim)][self.metric]

    def second_value(self, metrics: Metrics) -> float | None:
        """The second objective of a trial; None without one."""
        return float(self.dim) if self.second is not None and self.second.is_size else self.second_quality(metrics)

    def of_queries(self, scores: RetrievalScores) -> NDArray[np.float64]:
        """The metric of each query, of shape (queries,)."""
        return scores.per_query[self.dim][self.metric]

    def to_dict(self) -> dict[str, Any]:
        """Its keys in records and definitions."""
        return {"objective": self.metric, "dim": self.dim, "second": self.second and self.second.written}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Objective:
        """From a mapping with the keys of :meth:`to_dict`; ``second`` may be missing."""
        return cls(str(values["objective"]), int(values["dim"]), SecondObjective.read(values.get("second")))
