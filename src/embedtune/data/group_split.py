"""Division of rows into splits such that texts that belong together stay together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

EVALUATION_SHARE = 0.1
"""Of the rows, for validation and for test each; the rest is for training."""

_EVALUATION = ("validation", "test")
_MIN_ROWS = 4


def rank(seed: int, *texts: str) -> str:
    """A key that sorts texts in an order drawn by the seed, the same wherever the texts come from."""
    return hashlib.sha256("\x00".join([str(seed), *texts]).encode()).hexdigest()


def connected_groups(rows: Sequence[Sequence[str]]) -> list[list[int]]:
    """Numbers of the rows in groups that share no text: the connected components of rows joined by equal texts."""
    parents = list(range(len(rows)))

    def root(row: int) -> int:
        while parents[row] != row:
            parents[row] = row = parents[parents[row]]
        return row

    first: dict[str, int] = {}
    for number, row in enumerate(rows):
        for text in row:
            parents[root(number)] = root(first.setdefault(text, number))
    groups: dict[int, list[int]] = {}
    for number in range(len(rows)):
        groups.setdefault(root(number), []).append(number)
    return list(groups.values())


def split_by_group(rows: Sequence[Sequence[str]], seed: int) -> dict[str, list[int]]:
    """Row numbers of ``train``, ``validation`` and ``test``, about 80/10/10, each in the order of the rows.

    No text is in two splits. What goes where depends on the texts and the seed, not on the order of the rows. Fewer
    than four rows, or rows that all hang together, leave an evaluation split empty; training always keeps half.
    """
    quota = max(1, round(len(rows) * EVALUATION_SHARE)) if len(rows) >= _MIN_ROWS else 0
    drawn = sorted(connected_groups(rows), key=lambda group: min(rank(seed, *rows[row]) for row in group))
    splits: dict[str, list[list[int]]] = {"train": [], "validation": [], "test": []}
    for group in drawn:
        fits = (name for name in _EVALUATION if _size(splits[name]) + len(group) <= quota)
        splits[next(fits, "train")].append(group)
    for name in _EVALUATION:  # all groups may be larger than the share: better a large split than none
        smallest = min(splits["train"], key=len, default=[])
        if quota and not splits[name] and _size(splits["train"]) - len(smallest) >= len(rows) / 2:
            splits["train"].remove(smallest)
            splits[name].append(smallest)
    return {name: sorted(row for group in groups for row in group) for name, groups in splits.items()}


def _size(groups: list[list[int]]) -> int:
    return sum(map(len, groups))
