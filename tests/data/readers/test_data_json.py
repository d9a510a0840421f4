"""JSON however it is laid out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.data import DataReport
from embedtune.data.drafts import Notes
from embedtune.data.readers.json_values import json_values

Inspect = Callable[..., DataReport]

ROWS = [{"anchor": f"q{i}", "positive": f"p{i}"} for i in range(3)]
LAYOUTS = {
    "lines": "\n".join(map(json.dumps, ROWS)),
    "array": json.dumps(ROWS),
    "pretty array": json.dumps(ROWS, indent=2),
    "array, one row a line": "[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n",
    "array of one row a line, commas first": "[" + "\n,".join(map(json.dumps, ROWS)) + "]",
    "pretty objects": "\n".join(json.dumps(row, indent=4) for row in ROWS),
    "objects without a line between": "".join(map(json.dumps, ROWS)),
    "columns": json.dumps({key: [row[key] for row in ROWS] for key in ROWS[0]}),
    "pretty columns": json.dumps({key: [row[key] for row in ROWS] for key in ROWS[0]}, indent=2),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_are_read_in_every_layout(inspect: Inspect, layout: str) -> None:
    report = inspect({"train.json": LAYOUTS[layout]})
    assert report.task is not None, report.problems
    assert report.task.training[0].columns == {"anchor": ("q0", "q1", "q2"), "positive": ("p0", "p1", "p2")}


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        ('[\n{"anchor": "a", "positive": "b"},\n{"anchor": "c", "positive": 3}]', ["json:3 positive must be text"]),
        ('[\n{"anchor": "a"}\n{"anchor": "c"}\n]', ["train.json:3 must be JSON, but got: Expecting ',' delimiter"]),
        ('[{"anchor": "a", "positive": "b"},\n3]', ["train.json:2 must be a JSON object, but got int"]),
        ('{\n"anchor": "a",\n"positive": }', ["train.json:3 must be JSON, but got: Expecting value at column 13"]),
        ('{"anchor": "a", "anchor": "b"}', ["train.json:1 must not repeat a key, but got 'anchor' twice"]),
        ('{"anchor": ["a"], "positive": ["b", "c"]}', ["have columns of one length, but got anchor 1, positive 2"]),
        ('{"train": [{"a": 1}], "test": []}', ["must have a column for anchor", "must have a column for positive"]),
        ("[" * 5000, ["train.json must not nest more deeply"]),
        ('{"anchor": "a", "positive": ' + "[" * 5000 + "]" * 5000 + "}", ["must not nest more deeply"]),
        ('{"a": 1}\n{"anchor": ' + "1" * 5000 + "}", ["train.json:2 must be readable, but got: Exceeds the limit"]),
        ("[]", ["must have at least one row, but got none"]),
        ("{}", ["must have a column for anchor", "must have a column for positive"]),
    ],
)  # fmt: skip
def test_each_mistake_is_said_once_with_its_line(inspect: Inspect, content: str, messages: list[str]) -> None:
    problems = inspect({"train.json": content}).problems
    assert len(problems) == len(messages), problems
    for message, problem in zip(messages, problems, strict=True):
        assert message in problem


def test_keys_of_one_object_that_are_not_read_are_named(inspect: Inspect) -> None:
    content = {"queries": {"a": "q"}, "relevant_docs": {"a": "x"}, "corpus": {"x": "p"}, "mode": "text"}
    (warning,) = inspect({"test.json": json.dumps(content)}).warnings
    assert warning.endswith("test.json has the keys mode, which are not read.")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
rows = st.lists(st.dictionaries(st.text(), values, min_size=1, max_size=3), min_size=1)


@settings(deadline=None, max_examples=200)
@given(rows=rows, indent=st.sampled_from([None, 0, 2]), as_array=st.booleans())
def test_what_json_writes_is_read_back(rows: list[dict[str, Any]], indent: int | None, as_array: bool) -> None:
    text = json.dumps(rows, indent=indent) if as_array else "\n".join(json.dumps(row, indent=indent) for row in rows)
    notes = Notes()
    found = list(json_values(text, "file", notes))
    assert notes.problems == []
    assert [value for _, value in found] == rows
    starts = [line for line, _ in found]
    assert starts == sorted(starts)
    assert all(1 <= line <= text.count("\n") + 1 for line in starts)
