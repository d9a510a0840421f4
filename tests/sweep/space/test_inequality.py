from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtune.sweep.space.inequality import FAR, parse_inequality

VALUES = {"a": 3.0, "b": 4.0, "train.x": 2.0, "loss.matryoshka.weights.64": 0.5, "128/cosine_map@100": 0.7, "zero": 0.0}


def excess(text: str) -> float:
    return parse_inequality(text).excess(VALUES.__getitem__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a <= 3", 0),
        ("a<=2", 1),
        ("a >= 5", 2),
        ("a + b * 2 <= 11", 0),
        ("(a + b) * 2 <= 11", 3),
        ("a - b - 1 <= 0", -2),
        ("12 / b / 3 <= 0", 1),
        ("-a <= -4", 1),
        ("- -a <= 0", 3),
        ("train.x * loss.matryoshka.weights.64 <= 1e0", 0),
        ("128/cosine_map@100 >= 0.7", 0),
        ("128/cosine_map@100/a <= 0", 0.7 / 3),
        ("128 / a <= 40", 128 / 3 - 40),
        ("a <= .5e1", -2),
    ],
)
def test_excess_is_how_far_it_is_broken(text: str, expected: float) -> None:
    assert excess(text) == pytest.approx(expected)


@pytest.mark.parametrize(("text", "kept"), [("a < 3", False), ("a > 3", False), ("a < 3.1", True), ("b > a", True)])
def test_strict_sides_must_differ(text: str, kept: bool) -> None:
    assert (excess(text) <= 0) is kept


@pytest.mark.parametrize("text", ["a / zero <= 1", "1e308 * 10 * a <= 1"])
def test_no_amount_counts_as_far(text: str) -> None:
    assert excess(text) == FAR


def test_nan_counts_as_broken() -> None:
    assert parse_inequality("a <= 1").excess(lambda _: math.nan) == FAR


def test_names_come_once() -> None:
    assert parse_inequality("a * a + 64/dot_ndcg@10 <= b").names == ["a", "64/dot_ndcg@10", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a number, a key or an outcome must stand where the end is"),
        ("a", "one of <=, >=, < and > must stand where the end is"),
        ("a <= ", "must stand where the end is"),
        ("a <= 3 <= 4", "nothing more must stand where <= is"),
        ("a = 3", "= has no meaning here"),
        ("(a <= 3", "a closing parenthesis must stand where <= is"),
        ("a ** 2 <= 3", "a number, a key or an outcome must stand where * is"),
        ("__import__(a) <= 0", "must stand where ( is"),
        ("a[0] <= 1", "[ has no meaning here"),
        ("a <= 1; b", "; has no meaning here"),
        ("(" * 10_000 + "a", "more than 50"),
        ("-" * 10_000 + "a <= 1", "more than 50"),
    ],
)
def test_parse_refuses_what_is_no_inequality(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the text is matched below, it has brackets
        parse_inequality(text)
    assert message in str(caught.value)


@given(st.text(max_size=30))
def test_parse_never_does_anything_but_read_or_refuse(text: str) -> None:
    with suppress(ValueError):
        parse_inequality(text).excess(lambda _: 1.0)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.sampled_from(["<=", ">=", "<", ">"]))
def test_excess_agrees_with_the_comparison(left: float, right: float, sign: str) -> None:
    holds = {"<=": left <= right, ">=": left >= right, "<": left < right, ">": left > right}[sign]
    kept = parse_inequality(f"left {sign} right").excess({"left": left, "right": right}.__getitem__) <= 0
    assert kept is holds
