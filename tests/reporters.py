"""A reporter that answers as a test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embedtune.trial.watching import Point


@dataclass
class Answering:
    """Gives the ordinal and the value of each evaluation to a function, which says whether to prune.

    Those of a trial that goes on are given to it again, and its answers not heeded.
    """

    answer: Callable[[int, float], bool]
    queries: list[NDArray[np.float64]] = field(default_factory=list)

    def resumed(self, points: Sequence[Point]) -> None:
        for point in points:
            self.answer(point.ordinal, point.value)

    def evaluated(self, point: Point, queries: NDArray[np.float64]) -> bool:
        self.queries.append(queries)
        return self.answer(point.ordinal, point.value)
