"""Cut rows sorted by length into pieces that waste little on padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def cut(lengths: Sequence[int], most: int, piece_cost: int) -> list[int]:
    """Cut points that divide rows into pieces of the least total cost.

    A piece is padded to its longest row, so it costs rows x longest tokens, and each piece costs a fixed
    amount beside. Exact, by dynamic programming over the start of the last piece; O(most x rows^2).

    Args:
        lengths: Tokens of each row, ascending; at least one.
        most: Pieces at most.
        piece_cost: The fixed cost of one piece, in tokens.

    Returns:
        The end of each piece, ascending; the last is ``len(lengths)``.
    """
    rows = len(lengths)
    starts, ends = np.arange(rows)[:, None], np.arange(1, rows + 1)
    # [start, end - 1] -> cost of one piece of these rows; its longest row is the last.
    piece = np.where(ends > starts, piece_cost + (ends - starts) * np.asarray(lengths), np.inf)
    # The cheapest way to cover the first `end` rows with 1, 2, ... pieces, and where its last piece starts.
    totals, last_starts = [piece[0]], [np.zeros(rows, dtype=np.intp)]
    for _ in range(min(most, rows) - 1):
        options = totals[-1][:-1, None] + piece[1:]
        last_starts.append(options.argmin(axis=0) + 1)
        totals.append(options.min(axis=0))
    count = int(np.argmin([total[-1] for total in totals]))
    found = [rows]
    for last_start in reversed(last_starts[1 : count + 1]):
        found.append(int(last_start[found[-1] - 1]))
    return found[::-1]
