from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.training.pieces import cut

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=8).map(sorted)


def cost(lengths: list[int], ends: list[int], piece_cost: int) -> int:
    starts = [0, *ends]
    return sum(piece_cost + (end - start) * lengths[end - 1] for start, end in zip(starts, ends, strict=False))


@settings(deadline=None, max_examples=150)
@given(lengths=LENGTHS, most=st.integers(1, 5), piece_cost=st.integers(0, 500))
def test_cut_is_as_cheap_as_the_best_of_all_ways(lengths: list[int], most: int, piece_cost: int) -> None:
    rows = len(lengths)
    ways = [[*inner, rows] for count in range(min(most, rows)) for inner in combinations(range(1, rows), count)]
    ends = cut(lengths, most, piece_cost)
    assert ends in ways
    assert cost(lengths, ends, piece_cost) == min(cost(lengths, way, piece_cost) for way in ways)


def test_cut_leaves_equal_rows_in_one_piece() -> None:
    assert cut([7] * 10, 4, 1) == [10]


def test_cut_sets_a_long_row_apart() -> None:
    assert cut([5, 5, 5, 200], 4, 10) == [3, 4]


def test_cut_makes_no_piece_that_costs_more_than_it_saves() -> None:
    assert cut([5, 5, 5, 200], 4, 10_000) == [4]
