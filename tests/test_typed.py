"""Plain values read as dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtune.typed import Mismatch, is_number, read


class Colour(Enum):
    red = "red"
    blue = "blue"


@dataclass
class Inner:
    name: str
    size: int | None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    rate: float = 0.5
    flag: bool = False
    colour: Colour = Colour.red
    kind: Literal["one", "two"] = "one"
    sizes: tuple[int, ...] = ()
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    any: Any = None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_values_arrive_as_their_types() -> None:
    values = {
        "inner": {"name": "x", "size": 3}, "rate": 2, "flag": True, "colour": "blue", "kind": "two", "sizes": [1, 2],
        "weights": {"64": {"a": 1}}, "any": ["${oc.env:HOME}", None],
    }  # fmt: skip
    found = read(Outer, values)
    assert found == Outer(Inner("x", 3), 2.0, True, Colour.blue, "two", (1, 2), {"64": {"a": 1.0}}, values["any"])
    assert isinstance(found.rate, float)
    assert read(Outer, found) == found


def test_every_fault_is_named() -> None:
    values = {
        "inner": {"size": "3"}, "rate": 10**400, "flag": 1, "colour": "green", "kind": 3, "sizes": [1, True],
        "weights": {"64": {"a": "x"}}, "more": 1,
    }  # fmt: skip
    with pytest.raises(Mismatch) as caught:
        read(Outer, values)
    told = str(caught.value)
    for part in (
        "more is not known", "inner.name is missing", "inner.size must be a whole number, but is '3'",
        "rate must be a number, but is int", "flag must be true or false, but is 1",
        "colour must be one of red, blue, but is 'green'", "kind must be one of one, two, but is 3",
        "sizes[1] must be a whole number, but is True", "weights.64.a must be a number, but is 'x'",
    ):  # fmt: skip
        assert part in told
    with pytest.raises(Mismatch, match="it must be a mapping of keys to values, but is list"):
        read(Outer, [])


def test_keys_of_a_newer_version_may_be_left_out() -> None:
    assert read(Outer, {"inner": {"name": "x", "new": 1}, "more": 2}, unknown=True) == Outer(Inner("x"))


@given(JSON)
def test_whatever_comes_is_read_or_refused(values: Any) -> None:
    for candidate in (values, {"inner": values}, {"inner": {"name": "x"}, "weights": values, "sizes": values}):
        try:
            found = read(Outer, candidate, unknown=True)
        except Mismatch:
            continue
        assert read(Outer, {**asdict(found), "colour": found.colour.value}) == found


def test_what_is_a_number() -> None:
    assert [is_number(value) for value in (1, 0.5, True, "1", float("nan"), float("inf"), None, [])] == [
        True, True, False, False, False, False, False, False,
    ]  # fmt: skip
