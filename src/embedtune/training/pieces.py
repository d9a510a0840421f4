"""Cut rows sorted by length into pieces that waste little on padding."""

from __future__ import annotations

from collections.abc import Sequence


def cut(lengths: Sequence[int], most: int, piece_cost: int) -> list[int]:
    """Where to cut rows into pieces so that running them costs least.

    A piece is padded to its longest row, so it costs rows x longest tokens, and each piece costs a fixed
    amount beside. Exact, by dynamic programming over the last piece; O(most x rows^2).

    Args:
        lengths: Tokens of each row, ascending.
        most: Pieces at most.
        piece_cost: The fixed cost of one piece, in tokens.

    Returns:
        The end of each piece, ascending; the last is ``len(lengths)``.
    """
    rows = len(lengths)
    best: list[tuple[int, list[int]]] = [(0, [])] + [(0, [])] * rows
    for piece in range(most):
        # The longest row of a piece is its last one, because the rows are sorted.
        starts = range(1) if piece == 0 else range(rows)
        cheapest = [best[0]]
        for end in range(1, rows + 1):
            width = lengths[end - 1]
            options = [(best[start][0] + piece_cost + (end - start) * width, start) for start in starts if start < end]
            cost, start = min(options)
            fewer = best[end] if piece else (cost + 1, [])
            cheapest.append((cost, [*best[start][1], end]) if cost < fewer[0] else fewer)
        best = cheapest
    return best[rows][1]
