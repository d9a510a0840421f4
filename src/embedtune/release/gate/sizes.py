"""The smallest embedding that is as good as the full one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from embedtune.release.gate.gate import needed
from embedtune.statistics import Comparison, Criterion, compare

MILLION = 1_000_000


class Precision(StrEnum):
    """How a document's embedding is stored."""

    FLOAT32 = "float32"
    INT8 = "int8"
    BINARY = "binary"


BITS = {Precision.FLOAT32: 32, Precision.INT8: 8, Precision.BINARY: 1}
"""Of one number."""


@dataclass(frozen=True)
class Size:
    """One way to store an embedding, and what it costs in quality.

    Attributes:
        dim: Numbers in an embedding.
        precision: Of each of them.
        scores: The objective of each query, of shape (queries,).
    """

    dim: int
    precision: Precision
    scores: NDArray[np.float64]

    @property
    def value(self) -> float:
        """The objective: the mean over queries."""
        return float(self.scores.mean())

    @property
    def bytes_per_million(self) -> int:
        """Bytes that a million documents take in an index, without its own structures."""
        return -(-self.dim * BITS[self.precision] // 8) * MILLION

    @property
    def name(self) -> str:
        """``128 int8``."""
        return f"{self.dim} {self.precision.value}"


@dataclass(frozen=True)
class Sufficiency:
    """Whether a size is as good as the full one.

    Attributes:
        size: It.
        comparison: With the full size; None for the full size itself.
        sufficient: Whether it was shown to be not worse by more than the margin.
        queries_needed: How many queries would show it, were it the only size; None for the full size, and where the
            difference is beyond the margin.
    """

    size: Size
    comparison: Comparison | None
    sufficient: bool
    queries_needed: int | None = None


@dataclass(frozen=True)
class SizeReport:
    """Every size measured.

    Attributes:
        rows: The largest first.
        margin: How much worse than full size still suffices.
    """

    rows: tuple[Sufficiency, ...]
    margin: float

    @property
    def smallest_dim(self) -> int:
        """The smallest dimension that suffices in float32; the full one always does."""
        return min(row.size.dim for row in self.rows if row.sufficient and row.size.precision is Precision.FLOAT32)

    @property
    def cheapest(self) -> Size:
        """The size of the fewest bytes that suffices; of two equals the one of the better score."""
        sizes = [row.size for row in self.rows if row.sufficient]
        return min(sizes, key=lambda size: (size.bytes_per_million, -size.value))


def judge_sizes(sizes: Sequence[Size], groups: NDArray[np.intp], criterion: Criterion) -> SizeReport:
    """Test each size for being not worse than the full one by more than a margin.

    Non-inferiority on paired differences, one-sided, the p-values adjusted over all sizes by max-T (Westfall & Young
    1993): the sizes' scores depend on each other, which Bonferroni and Holm would not use.

    Args:
        sizes: The full one in float32 among them.
        groups: Of the queries.
        criterion: Its margin is how much worse than full size still suffices.
    """
    ordered = sorted(sizes, key=lambda size: (-size.dim, -BITS[size.precision]))
    full, others = ordered[0], ordered[1:]
    compared = compare({size.name: size.scores for size in others}, full.scores, groups, criterion)
    rows = (
        Sufficiency(size, found, criterion.met_by(found), needed(found, criterion.level))
        for size in others
        for found in (compared[size.name],)
    )
    return SizeReport((Sufficiency(full, None, True), *rows), criterion.margin)
