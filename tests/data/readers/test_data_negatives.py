"""Several negatives and several positives a row, in each way that people write them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.data import DataReport
from embedtune.data.drafts import Notes
from embedtune.data.readers.columns import Roles, match_columns
from embedtune.data.readers.rows import Columns, make_rows

Inspect = Callable[..., DataReport]

WANTED = {
    "anchor": ("q1", "q2"),
    "positive": ("p1", "p2"),
    "negative_1": ("n1", "n3"),
    "negative_2": ("n2", "n4"),
}


def lines(records: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(json.dumps(record) for record in records)


def passages(*texts: str) -> list[dict[str, str]]:
    return [{"docid": f"d{text}", "title": "", "text": text} for text in texts]


NUMBERED = [
    {"anchor": "q1", "positive": "p1", "negative_1": "n1", "negative_2": "n2"},
    {"anchor": "q2", "positive": "p2", "negative_1": "n3", "negative_2": "n4"},
]
FORMS = {
    "numbered": lines(NUMBERED),
    "numbered, the tenth after the second": lines(
        [{"negative_10": row["negative_2"], **{k: v for k, v in row.items() if k != "negative_2"}} for row in NUMBERED]
    ),
    "one without a number": lines(
        [{"negative_2": r["negative_2"], "negative": r["negative_1"], "query": r["anchor"], "answer": r["positive"]}
         for r in NUMBERED]
    ),
    "lists": lines(
        [{"anchor": "q1", "positives": ["p1"], "negatives": ["n1", "n2"]},
         {"anchor": "q2", "positives": ["p2"], "negatives": ["n3", "n4"]}]
    ),
    "FlagEmbedding": lines(
        [{"query": "q1", "pos": ["p1"], "neg": ["n1", "n2"], "pos_scores": [1], "neg_scores": [0, 0]},
         {"query": "q2", "pos": ["p2"], "neg": ["n3", "n4"], "pos_scores": [1], "neg_scores": [0, 0]}]
    ),
    "Tevatron": lines(
        [{"query": "q1", "positive_passages": passages("p1"), "negative_passages": passages("n1", "n2"), "query_id": 1},
         {"query": "q2", "positive_passages": passages("p2"), "negative_passages": passages("n3", "n4"), "query_id": 2}]
    ),
    "columns": json.dumps({"anchor": ["q1", "q2"], "positive": ["p1", "p2"], "negative": [["n1", "n2"], ["n3", "n4"]]}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_all_negatives_are_trained_on(inspect: Inspect, form: str) -> None:
    report = inspect({"train.jsonl": FORMS[form]})
    assert report.task is not None, report.problems
    assert report.task.training[0].columns == WANTED
    assert set(report.task.splits["train"].corpus.values()) == {"p1", "p2", "n1", "n2", "n3", "n4"}


def test_parquet_with_lists(inspect: Inspect) -> None:
    import io

    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table({"query": ["q1", "q2"], "pos": [["p1"], ["p2"]], "neg": [["n1", "n2"], ["n3", "n4"]]})
    stream = io.BytesIO()
    parquet.write_table(table, stream)
    report = inspect({"train.parquet": stream.getvalue()})
    assert report.task is not None
    assert report.task.training[0].columns == WANTED


def test_triples_without_a_header_as_ms_marco_has_them(inspect: Inspect) -> None:
    rows = "".join(f"what is {i}\tThis passage says what {i} is.\tThis passage says something else.\n" for i in "abc")
    report = inspect({"triples.train.tsv": rows}, "triples.train.tsv", splits={"train": "triples.train.tsv"})
    assert report.task is not None, report.problems
    assert report.task.training[0].columns["anchor"] == ("what is a", "what is b", "what is c")
    assert tuple(report.task.training[0].columns) == ("anchor", "positive", "negative")
    assert any("has no header: its columns are read as anchor, positive, negative" in own for own in report.warnings)


def test_three_words_in_a_first_line_are_a_header(inspect: Inspect) -> None:
    (problem,) = inspect({"train.tsv": "qid\tpid\tnid\n1\t2\t3\n"}).problems[:1]
    assert "must have a column for anchor" in problem
    assert "but got qid, pid, nid" in problem


def test_several_positives_become_rows_and_are_all_relevant(inspect: Inspect) -> None:
    rows = [{"query": "q1", "pos": ["a", "b"], "neg": ["n"]}, {"query": "q2", "pos": ["c"], "neg": ["m"]}]
    report = inspect({"train.jsonl": lines(rows)})
    assert report.task is not None
    assert report.task.training[0].columns == {
        "anchor": ("q1", "q1", "q2"),
        "positive": ("a", "b", "c"),
        "negative": ("n", "n", "m"),
    }
    assert sorted(map(len, report.task.splits["train"].relevant.values())) == [1, 2]


def test_numbered_positives_are_all_positives(inspect: Inspect) -> None:
    rows = [{"anchor": f"q{i}", "positive_1": f"a{i}", "positive_2": f"b{i}"} for i in range(2)]
    report = inspect({"train.jsonl": lines(rows)})
    assert report.task is not None
    assert report.task.training[0].columns["positive"] == ("a0", "b0", "a1", "b1")


def test_differing_counts_are_cut_to_the_smallest_and_counted(inspect: Inspect) -> None:
    rows = [{"query": "q1", "pos": ["a"], "neg": ["n", "m", "o"]}, {"query": "q2", "pos": ["b"], "neg": ["p"]}]
    report = inspect({"train.jsonl": lines(rows)})
    assert report.task is not None
    assert report.task.training[0].columns["negative"] == ("n", "p")
    assert any("2 of 4 negatives are left out, because rows have 1 to 3" in own for own in report.warnings)


def test_rows_without_the_negatives_of_others_are_refused_with_their_lines(inspect: Inspect) -> None:
    rows = [{"query": "q1", "pos": ["a"], "neg": ["n"]}, {"query": "q2", "pos": ["b"], "neg": []}]
    (problem,) = inspect({"train.jsonl": lines(rows)}).problems
    assert "train.jsonl:2 must have a negative, as other rows have, but got none." in problem


def test_columns_of_negatives_can_be_named(inspect: Inspect) -> None:
    rows = [{"prompt": f"q{i}", "good": f"p{i}", "bad": f"n{i}", "worse": f"m{i}"} for i in range(2)]
    columns = {"anchor": "prompt", "positive": "good", "negative_1": "bad", "negative_2": "worse"}
    report = inspect({"train.jsonl": lines(rows)}, columns=columns)
    assert report.task is not None
    assert tuple(report.task.training[0].columns) == ("anchor", "positive", "negative_1", "negative_2")


def test_what_is_not_read_is_named(inspect: Inspect) -> None:
    rows = [{"anchor": f"q{i}", "positive": f"p{i}", "score": 1, "url": "x", "neg_scores": [1]} for i in range(2)]
    said = "\n".join(inspect({"train.jsonl": lines(rows)}).warnings)
    assert "has columns that are not read: 'url', 'neg_scores'" in said
    assert "'score'" not in said


def test_a_negative_that_answers_its_query_is_named(inspect: Inspect) -> None:
    rows = [
        {"anchor": "q", "positive": "a", "negative": "b"},
        {"anchor": "q", "positive": "b", "negative": "c"},
    ]
    said = inspect({"train.jsonl": lines(rows)}).warnings
    assert any("1 negatives are positives of the same anchor, e.g. 'b'" in own for own in said)


texts = st.text(min_size=1, max_size=3)
groups = st.lists(
    st.tuples(texts, st.lists(texts, min_size=1, max_size=3), st.lists(texts, min_size=1, max_size=4)), min_size=1
)


@settings(deadline=None, max_examples=100)
@given(groups)
def test_each_positive_stands_once_beside_its_anchor_and_as_many_negatives_as_all_have(
    rows: list[tuple[str, list[str], list[str]]],
) -> None:
    names = ("anchor", "positive", "negative")
    columns = Columns("file", dict(zip(names, zip(*rows, strict=True), strict=True)))
    notes = Notes()
    made = make_rows(columns, Roles("anchor", ("positive",), ("negative",)), notes)
    least = min(len(negatives) for _, _, negatives in rows)
    assert notes.problems == []
    assert [tuple(row) for row in made.values] == [
        (anchor, positive, *negatives[:least]) for anchor, positives, negatives in rows for positive in positives
    ]
    assert bool(notes.warnings) == any(len(negatives) > least for _, _, negatives in rows)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from(["anchor", "query", "positive", "negative", "negative_1", "neg", "score", ""])))
def test_every_column_is_used_refused_or_named(names: list[str]) -> None:
    notes = Notes()
    roles = match_columns(names, {}, "file", notes)
    assert (roles is None) == bool(notes.problems)
    if roles is not None:
        said = "\n".join(notes.warnings)
        assert all(name in roles.columns or repr(name) in said for name in names)
