"""A reporter that answers as a test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass
class Answering:
    """Gives the ordinal and the value of each evaluation to a function, which says whether to prune.

    Those of a trial that goes on are given to it again, and its answers not heeded.
    """

    answer: Callable[[int, float], bool]
    queries: list[NDArray[np.float64]] = field(default_factory=list)

    def resumed(self, values: Sequence[float]) -> None:
        for ordinal, value in enumerate(values, start=1):
            self.answer(ordinal, value)

    def evaluated(self, ordinal: int, value: float, queries: NDArray[np.float64]) -> bool:
        self.queries.append(queries)
        return self.answer(ordinal, value)
