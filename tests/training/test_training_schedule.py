from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.training.schedule import evaluation_steps


@pytest.mark.parametrize(
    ("every", "per_epoch", "total", "expected"),
    [
        ("epoch", 10, 30, (10, 20, 30)),
        ("epoch", 10, 25, (10, 20, 25)),
        ("epoch", 1, 3, (1, 2, 3)),
        (4, 10, 10, (4, 8, 10)),
        (4, 10, 8, (4, 8)),
        (100, 10, 20, (20,)),
        (1, 10, 3, (1, 2, 3)),
        (1.0, 10, 3, (1, 2, 3)),
        (0.5, 10, 20, (5, 10, 15, 20)),
        (0.25, 10, 15, (3, 5, 8, 10, 13, 15)),
        (0.1, 10, 5, (1, 2, 3, 4, 5)),
        (0.01, 10, 3, (1, 2, 3)),
        (0.9, 10, 20, (9, 18, 20)),
        ("epoch", 10, 0, ()),
    ],
)
def test_evaluation_steps_are_those_asked_for(
    every: str | float, per_epoch: int, total: int, expected: tuple[int, ...]
) -> None:
    assert evaluation_steps(every, per_epoch, total) == expected


EVERY = st.one_of(st.just("epoch"), st.integers(1, 50), st.floats(0.001, 0.999, allow_nan=False))


@settings(deadline=None, max_examples=200)
@given(every=EVERY, per_epoch=st.integers(1, 200), total=st.integers(1, 1000))
def test_evaluation_steps_ascend_without_repeats_and_end_at_the_last(
    every: str | float, per_epoch: int, total: int
) -> None:
    steps = evaluation_steps(every, per_epoch, total)
    assert list(steps) == sorted(set(steps))
    assert steps[-1] == total
    assert steps[0] >= 1


@settings(deadline=None, max_examples=100)
@given(parts=st.integers(2, 20), per_epoch=st.integers(20, 200), epochs=st.integers(1, 5))
def test_a_fraction_of_an_epoch_also_meets_every_epoch_end(parts: int, per_epoch: int, epochs: int) -> None:
    steps = evaluation_steps(1 / parts, per_epoch, per_epoch * epochs)
    assert {per_epoch * epoch for epoch in range(1, epochs + 1)} <= set(steps)
    assert max(b - a for a, b in zip((0, *steps), steps, strict=False)) <= math.ceil(per_epoch / parts)
