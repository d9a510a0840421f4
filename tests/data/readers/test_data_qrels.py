"""Judgements: BEIR's three columns, TREC's four, and what published sets have in them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from embedtune.data import DataReport

Inspect = Callable[..., DataReport]


def beir(
    qrels: str, passages: int = 3, queries: int = 3, blank: tuple[int, ...] = (), split: str = "test"
) -> dict[str, str]:
    corpus = [{"_id": f"d{i}", "title": "", "text": "" if i in blank else f"passage {i}"} for i in range(passages)]
    asked = [{"_id": f"q{i}", "text": f"question {i}"} for i in range(queries)]
    return {
        "corpus.jsonl": "\n".join(map(json.dumps, corpus)),
        "queries.jsonl": "\n".join(map(json.dumps, asked)),
        f"qrels/{split}.tsv": qrels,
    }


TREC = {"tabs": "q0\t0\td0\t1\nq0\t0\td1\t0\nq1\t0\td1\t2\n", "blanks": "q0 Q0 d0 1\nq0 Q0 d1 0\nq1 Q0 d1 2\n"}


@pytest.mark.parametrize("form", TREC)
def test_trec_judgements_are_read_from_the_first_line(inspect: Inspect, form: str) -> None:
    report = inspect(beir(TREC[form]))
    assert report.task is not None, report.problems
    assert report.task.splits["test"].relevant == {"q0": frozenset({"d0"}), "q1": frozenset({"d1"})}


def test_grades_are_said_to_count_as_relevant(inspect: Inspect) -> None:
    (warning,) = inspect(beir("q\tc\ts\nq0\td0\t1\nq0\td1\t2\nq1\td1\t3\n")).warnings
    assert "2 of 3 judgements have a grade other than 1. ndcg weighs them (eval.gain)" in warning


def test_queries_judged_0_alone_are_left_out_and_counted(inspect: Inspect) -> None:
    report = inspect(beir("q\tc\ts\nq0\td0\t1\nq1\td1\t0\nq2\td1\t-1\n"))
    assert report.task is not None
    assert list(report.task.splits["test"].queries) == ["q0"]
    assert any("2 of 3 queries are left out, because no passage is judged above 0" in own for own in report.warnings)
    assert any("'q1', 'q2'" in own for own in report.warnings)


@pytest.mark.parametrize(
    ("qrels", "message"),
    [
        ("q0\td0\t1\nq0\td0\t0\n", "test.tsv:2 must not contradict line 1"),
        ("q0\td0\t0\nq0\td0\t1\n", "test.tsv:2 must not contradict line 1"),
        ("q0\td0\tyes\n", "test.tsv:1 must be query-id, corpus-id and score between tabs, but got"),
        ("q\tc\ts\nq0\td0\tnan\n", "test.tsv:2 must be query-id, corpus-id and score"),
        ("q0 0 d0 1\nq0 0 d0\n", "test.tsv:2 must be TREC's query, iteration, passage and relevance, but got"),
        ("q0 d0 1\n", "test.tsv:1 must be query-id, corpus-id and score between tabs, but got 'q0 d0 1'"),
    ],
)
def test_what_is_no_judgement_is_refused_with_its_line(inspect: Inspect, qrels: str, message: str) -> None:
    problems = inspect(beir(qrels)).problems
    assert any(message in problem for problem in problems), problems


def many(*more: str) -> str:
    return "\n".join(["q\tc\ts", *(f"q{i}\td{i}\t1" for i in range(200)), *more])


def test_a_few_judgements_of_what_is_not_there_are_left_out_and_counted(inspect: Inspect) -> None:
    report = inspect(beir(many("q0\tgone\t1", "q200\tgone\t1"), passages=201, queries=201))
    assert report.task is not None, report.problems
    assert len(report.task.splits["test"].queries) == 200
    said = "\n".join(report.warnings)
    assert "2 of 202 judgements are left out, because they name a query or a passage that is not there" in said
    assert "test.tsv:202 relevance of 'q0'" in said
    assert "1 of 201 queries are left out, because no passage is left that answers them: 'q200'" in said


def test_many_judgements_of_what_is_not_there_are_an_error(inspect: Inspect) -> None:
    report = inspect(beir(many("q0\tgone\t1", "q1\tgone\t1", "nobody\td0\t1"), passages=201, queries=201))
    assert report.task is None
    assert any("must name known passages, but got 'gone'" in problem for problem in report.problems)
    assert any("must name a known query" in problem for problem in report.problems)


def test_empty_passages_that_answer_nothing_stay_and_are_counted(inspect: Inspect) -> None:
    report = inspect(beir("q\tc\ts\nq0\td0\t1\n", blank=(1, 2)))
    assert report.task is not None, report.problems
    assert list(report.task.splits["test"].corpus) == ["d0", "d1", "d2"]
    warning = report.warnings[0]
    assert "2 of 3 passages are empty and answer no query; they stay in the corpus: " in warning
    assert "corpus.jsonl:2 passage 'd1', " in warning


def test_an_empty_passage_that_answers_is_an_error_where_a_score_hangs_on_it(inspect: Inspect) -> None:
    (problem,) = inspect(beir("q\tc\ts\nq0\td1\t1\nq1\td0\t1\n", blank=(1,))).problems
    assert "corpus.jsonl:2 passage 'd1' must not be empty" in problem


def test_an_empty_passage_that_answers_a_training_query_is_not_trained_on(inspect: Inspect) -> None:
    report = inspect(beir("q\tc\ts\nq0\td1\t1\nq1\td0\t1\nq2\td2\t1\n", blank=(1,), split="train"))
    assert report.task is not None, report.problems
    assert report.task.training[0].columns["anchor"] == ("question 1", "question 2")
    said = "\n".join(report.warnings)
    assert "1 of 3 judgements are left out, because they name an empty passage" in said
    assert "1 of 3 queries are left out" in said


def test_keys_of_texts_that_are_not_read_are_counted(inspect: Inspect) -> None:
    files = beir("q\tc\ts\nq0\td0\t1\n", passages=1, queries=1)
    files["queries.jsonl"] = '{"_id": "q0", "text": "a", "metadata": {"year": 1}}'
    files["corpus.jsonl"] = '{"_id": "d0", "text": "b", "metadata": {}}'
    (warning,) = inspect(files).warnings
    assert warning.endswith("queries.jsonl has keys that are not read: 'metadata' of 1 texts.")
