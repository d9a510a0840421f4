"""Random draws of groups, in pieces: resamples x groups of thousands of queries would not fit in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
"""Enough that another seed moves a bound or a p-value by little (Efron & Tibshirani 1993)."""

_CELLS = 2**20
"""Numbers held at once."""

_SIGNS = np.array([1.0, -1.0])

Draws = NDArray[np.float64]


def bootstrap_draws(groups: int, resamples: int, seed: int) -> Iterator[Draws]:
    """How often each group is in each bootstrap sample: arrays of shape (some of the resamples, groups)."""
    random = np.random.default_rng(seed)
    for rows in _pieces(groups, resamples):
        cells = random.integers(0, groups, (rows, groups)) + groups * np.arange(rows)[:, np.newaxis]
        yield np.bincount(cells.ravel(), minlength=rows * groups).reshape(rows, groups).astype(np.float64)


def sign_flips(groups: int, resamples: int, seed: int) -> Iterator[Draws]:
    """1 or -1 for each group in each flip: arrays of shape (some of the flips, groups); all flips if they are few."""
    if all_flips(groups, resamples):
        yield _SIGNS[np.arange(2**groups)[:, np.newaxis] >> np.arange(groups) & 1]
        return
    random = np.random.default_rng(seed)
    for rows in _pieces(groups, resamples):
        yield _SIGNS[random.integers(0, 2, (rows, groups), dtype=np.int8)]


def all_flips(groups: int, resamples: int) -> bool:
    """Whether that many groups have no more than ``resamples`` flips."""
    return groups <= math.log2(resamples)


def _pieces(groups: int, resamples: int) -> Iterator[int]:
    rows = max(1, _CELLS // groups)
    for start in range(0, resamples, rows):
        yield min(rows, resamples - start)
