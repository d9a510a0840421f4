from __future__ import annotations

import json
from typing import Any

from embedtune.config import OnLeak

LONG = "a passage of quite some words that stands in a handbook for keepers of lighthouses and lamps"


def rows(*pairs: tuple[str, str]) -> str:
    return "\n".join(json.dumps({"anchor": anchor, "positive": positive}) for anchor, positive in pairs)


LEAKY = {
    "train.jsonl": rows(("a", "p"), ("b", "q"), ("c", "r"), ("d", LONG)),
    "validation.jsonl": rows(("a", "x"), ("e", "t")),
    "test.jsonl": rows(("f", "q"), ("g", "x"), ("h", f"{LONG}.")),
}


def test_drop_takes_from_what_is_judged_earlier(inspect: Any) -> None:
    report = inspect(LEAKY, on_leak=OnLeak.drop)
    task = report.task
    assert task.training[0].columns["anchor"] == ("c", "d")
    assert set(task.splits["validation"].queries.values()) == {"e"}
    assert set(task.splits["test"].queries.values()) == {"f", "g", "h"}
    assert any(w.startswith("train: 2 of 4 pairs of query and answer are dropped") for w in report.warnings)
    assert not any("are both in" in warning for warning in report.warnings)
    assert task.warnings == report.warnings


def test_near_duplicates_leak_too_where_asked(inspect: Any) -> None:
    assert inspect(LEAKY, on_leak=OnLeak.drop, near_duplicates=0.9).task is None
    report = inspect({**LEAKY, "train.jsonl": rows(("c", "r"), ("d", LONG), ("z", "y"))}, near_duplicates=0.9)
    assert report.task is not None
    assert any("1 relevant passages of train are nearly the same as one of test" in w for w in report.warnings)


def test_error_names_every_leak_with_its_place(inspect: Any, tmp_path: Any) -> None:
    report = inspect(LEAKY, on_leak=OnLeak.error)
    assert report.task is None
    assert report.problems == (
        f"{tmp_path / 'train.jsonl'}:1 must have a query that is not in validation, but got the same. Remove one, or "
        "set data.on_leak=drop.",
        f"{tmp_path / 'train.jsonl'}:2 must have an answer that is not in test, but got the same. Remove one, or set "
        "data.on_leak=drop.",
        f"{tmp_path / 'validation.jsonl'}:1 must have an answer that is not in test, but got the same. Remove one, or "
        "set data.on_leak=drop.",
    )
    assert [problem.place.number for problem in report.found] == [1, 2, 1]


def test_nothing_left_is_an_error_that_says_so(inspect: Any) -> None:
    same = rows(("a", "p"), ("b", "q"))
    report = inspect({"train.jsonl": same, "validation.jsonl": same}, on_leak=OnLeak.drop)
    (problem,) = report.problems
    assert problem.startswith("train must have a row whose texts no later split has, but data.on_leak=drop leaves none")


def test_further_training_sets_are_dropped_from_too(inspect: Any, tmp_path: Any) -> None:
    more = rows(("g", "new"), ("k", "l"), ("m", "n"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "more.jsonl").write_text(more)
    report = inspect(LEAKY, on_leak=OnLeak.drop, extra={"more": str(tmp_path / "elsewhere" / "more.jsonl")})
    assert [len(training) for training in report.task.training] == [2, 2]
    assert any(w.startswith("training set more: 1 of 3 pairs") for w in report.warnings)


def test_a_shared_corpus_is_no_leak_and_a_shared_answer_is(inspect: Any) -> None:
    files = {
        "corpus.jsonl": "\n".join(json.dumps({"_id": f"d{i}", "text": f"passage {i}"}) for i in range(4)),
        "queries.jsonl": "\n".join(json.dumps({"_id": f"q{i}", "text": f"query {i}"}) for i in range(5)),
        "qrels/train.tsv": "q0\td0\t1\nq1\td1\t1\nq1\td2\t1\nq4\td3\t1",
        "qrels/validation.tsv": "q2\td1\t1",
        "qrels/test.tsv": "q3\td3\t1",
    }
    task = inspect(files, on_leak=OnLeak.drop).task
    assert task.training[0].columns == {"anchor": ("query 0", "query 1"), "positive": ("passage 0", "passage 2")}
    assert len(task.splits["validation"].corpus) == 4
