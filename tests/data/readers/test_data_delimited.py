"""TSV and CSV: what decides how a file is read, and that nothing is lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.data import DataReport
from embedtune.data.drafts import Notes
from embedtune.data.readers.delimited import read_delimited

Inspect = Callable[..., DataReport]

QUOTES = (
    "anchor\tpositive\n"
    '"unclosed one\tanswer one\n'
    "plain two\tanswer two\n"
    'ends here"\tanswer three\n'
    "q four\tanswer four\n"
)


def test_quotes_in_a_tsv_are_text(inspect: Inspect) -> None:
    report = inspect({"train.tsv": QUOTES})
    assert report.task is not None
    assert report.task.training[0].columns["anchor"] == ('"unclosed one', "plain two", 'ends here"', "q four")
    assert not [own for own in report.warnings if "between quotes" in own]


def test_fields_between_quotes_in_a_tsv_are_named(inspect: Inspect) -> None:
    report = inspect({"train.tsv": 'anchor\tpositive\n"a ""b"""\tc\nd\te\n'})
    assert report.task is not None
    assert report.task.training[0].columns["anchor"] == ('"a ""b"""', "d")
    assert any("has 1 fields between quotes, which are part of the texts" in own for own in report.warnings)


def test_tabs_in_a_csv_follow_its_rules(inspect: Inspect) -> None:
    report = inspect({"train.csv": 'anchor\tpositive\n"a ""b"""\t"c\nd"\ne\tf\n'})
    assert report.task is not None
    assert report.task.training[0].columns == {"anchor": ('a "b"', "e"), "positive": ("c\nd", "f")}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_semicolons_of_excel_are_read_and_said(inspect: Inspect, mark: str) -> None:
    content = f'{mark}anchor;positive;"a, b"\n"x; y";1,5;z\nu;2,5;w\n'
    report = inspect({"train.csv": content})
    assert report.task is not None
    assert report.task.training[0].columns == {"anchor": ("x; y", "u"), "positive": ("1,5", "2,5")}
    assert any("is read with semicolons between its fields, as its header has" in own for own in report.warnings)


def test_commas_within_texts_decide_nothing(inspect: Inspect) -> None:
    report = inspect({"train.tsv": "anchor\tpositive\na, b, c\td, e\nf\tg\n"})
    assert report.task is not None
    assert report.task.training[0].columns["anchor"] == ("a, b, c", "f")


def test_a_field_may_be_as_long_as_the_file(inspect: Inspect) -> None:
    before = csv.field_size_limit()
    report = inspect({"train.csv": f"anchor,positive\na,{'x' * 200_000}\nb,c\n"})
    assert report.task is not None
    assert len(report.task.training[0].columns["positive"][0]) == 200_000
    assert csv.field_size_limit() == before


def test_an_unclosed_quote_in_a_csv_names_the_line_it_begins_in(inspect: Inspect) -> None:
    (problem,) = inspect({"train.csv": 'anchor,positive\na,b\nc,"d\ne,f\ng,h\n'}).problems
    assert "train.csv:3 must be CSV, but got: unexpected end of data" in problem


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_a_column_that_repeats_is_refused(inspect: Inspect, ending: str) -> None:
    delimiter = {"csv": ",", "tsv": "\t"}[ending]
    content = "\n".join(delimiter.join(row) for row in (["anchor", "positive", "positive"], ["a", "b", "c"]))
    (problem,) = inspect({f"train.{ending}": content}).problems
    assert "must not repeat a column, but got 'positive' 2 times" in problem


def test_a_tsv_with_commas_says_what_it_found(inspect: Inspect) -> None:
    problem, *_ = inspect({"train.tsv": "anchor,positive\na,b\n"}).problems
    assert "must have a column for anchor" in problem
    assert "but got anchor,positive" in problem


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=6)
plain = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\t\0"), min_size=1, max_size=6)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(cells, cells), min_size=1), st.sampled_from(",;\t"))
def test_what_csv_writes_is_read_back(rows: list[tuple[str, str]], delimiter: str) -> None:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows([("anchor", "positive"), *rows])
    text = stream.getvalue().replace("\r\n", "\n")
    notes = Notes()
    found = read_delimited(text, "file.csv", {}, notes)
    assert notes.problems == []
    assert found is not None
    assert list(found.values) == rows


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(plain, plain), min_size=1))
def test_every_line_of_a_tsv_is_a_row(rows: list[tuple[str, str]]) -> None:
    text = "\n".join("\t".join(row) for row in [("anchor", "positive"), *rows])
    found = read_delimited(text, "file.tsv", {}, Notes())
    assert found is not None
    assert list(found.values) == rows
