"""Division of rows into splits such that texts that belong together stay together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
"""Of the rows, where nobody says otherwise."""

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


def read_shares(text: str) -> dict[str, float]:
    """The shares of ``data.split``: ``0.8/0.1/0.1``, or two numbers where there is to be no test split."""
    return dict(zip(SHARES, map(float, text.split("/")), strict=False))


def split_by_group(
    rows: Sequence[Sequence[str]], seed: int, shares: Mapping[str, float] = SHARES
) -> dict[str, list[int]]:
    """Row numbers of ``train``, ``validation`` and ``test``, each in the order of the rows.

    No text is in two splits. What goes where depends on the texts and the seed, not on the order of the rows. Fewer
    than four rows, or rows that all hang together, leave an evaluation split empty; training always keeps half
    of the rows, or its share where that is less.
    """
    asked = {name: shares.get(name, 0) for name in _EVALUATION}
    enough = len(rows) >= _MIN_ROWS
    quotas = {name: max(1, round(len(rows) * share)) if share and enough else 0 for name, share in asked.items()}
    least = min(1 / 2, shares["train"]) * len(rows)
    drawn = sorted(connected_groups(rows), key=lambda group: min(rank(seed, *rows[row]) for row in group))
    splits: dict[str, list[list[int]]] = {"train": [], "validation": [], "test": []}
    for group in drawn:
        fits = (name for name, quota in quotas.items() if _size(splits[name]) + len(group) <= quota)
        splits[next(fits, "train")].append(group)
    for name, quota in quotas.items():  # all groups may be larger than the share: better a large split than none
        smallest = min(splits["train"], key=len, default=[])
        if quota and not splits[name] and _size(splits["train"]) - len(smallest) >= least:
            splits["train"].remove(smallest)
            splits[name].append(smallest)
    return {name: sorted(row for group in groups for row in group) for name, groups in splits.items()}


def _size(groups: list[list[int]]) -> int:
    return sum(map(len, groups))
