from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.data.group_split import connected_groups, split_by_group

texts = st.sampled_from([f"t{i}" for i in range(30)]) | st.text(min_size=1, max_size=5)
row_lists = st.lists(st.tuples(texts, texts), max_size=60)
pure = settings(deadline=None, max_examples=60)


@pure
@given(rows=row_lists, seed=st.integers(0, 5))
def test_every_row_is_in_one_split_and_no_text_in_two(rows: list[tuple[str, str]], seed: int) -> None:
    splits = split_by_group(rows, seed)
    assert sorted(row for numbers in splits.values() for row in numbers) == list(range(len(rows)))
    owners: dict[str, set[str]] = {}
    for split, numbers in splits.items():
        assert numbers == sorted(numbers)
        for number in numbers:
            for text in rows[number]:
                owners.setdefault(text, set()).add(split)
    assert all(len(splits_of_text) == 1 for splits_of_text in owners.values())


@pure
@given(rows=row_lists, seed=st.integers(0, 5), order=st.randoms())
def test_order_of_rows_does_not_matter(rows: list[tuple[str, str]], seed: int, order: random.Random) -> None:
    shuffled = list(rows)
    order.shuffle(shuffled)
    for split, numbers in split_by_group(rows, seed).items():
        other = split_by_group(shuffled, seed)[split]
        assert Counter(rows[number] for number in numbers) == Counter(shuffled[number] for number in other)


@pure
@given(rows=row_lists, seed=st.integers(0, 5))
def test_training_keeps_at_least_half(rows: list[tuple[str, str]], seed: int) -> None:
    assert 2 * len(split_by_group(rows, seed)["train"]) >= len(rows)


@pure
@given(count=st.integers(20, 200), seed=st.integers(0, 5))
def test_unconnected_rows_are_divided_80_10_10(count: int, seed: int) -> None:
    splits = split_by_group([(f"a{i}", f"p{i}") for i in range(count)], seed)
    assert len(splits["validation"]) == len(splits["test"]) == round(count / 10)


def test_groups_are_connected_through_anchors_positives_and_both() -> None:
    rows = [("a", "p"), ("b", "p"), ("b", "q"), ("q", "r"), ("x", "y"), ("z", "z")]
    assert sorted(map(sorted, connected_groups(rows))) == [[0, 1, 2, 3], [4], [5]]


def test_long_chains_are_one_group() -> None:
    assert len(connected_groups([(str(i), str(i + 1)) for i in range(5000)])) == 1


def test_groups_larger_than_the_share_still_give_every_split() -> None:
    rows = [(f"a{i}", f"p{i // 20}") for i in range(100)]
    assert {split: len(numbers) for split, numbers in split_by_group(rows, 0).items()} == {
        "train": 60,
        "validation": 20,
        "test": 20,
    }


def test_one_group_and_few_rows_stay_with_training() -> None:
    for rows in ([], [("a", "p")], [("a", "p"), ("b", "q"), ("c", "r")], [(f"a{i}", "p") for i in range(50)]):
        assert split_by_group(rows, 0) == {"train": list(range(len(rows))), "validation": [], "test": []}
