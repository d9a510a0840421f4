from __future__ import annotations

import json
from typing import Any

import pytest

from embedtune.config.rules.data import are_shares
from embedtune.data import DataReport
from embedtune.records import TaskData

WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore"


def rows(pairs: list[tuple[str, str]], **columns: list[Any]) -> str:
    more = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return "\n".join(
        json.dumps({"anchor": anchor, "positive": positive, **(more[place] if more else {})})
        for place, (anchor, positive) in enumerate(pairs)
    )


def task_of(report: DataReport) -> TaskData:
    assert report.task is not None, report.problems
    return report.task


def sizes(report: DataReport) -> dict[str, int]:
    return {name: len(data.queries) for name, data in task_of(report).splits.items()}


PAIRS = [(f"query {number}", f"answer {number}") for number in range(40)]


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        (None, {"train": 32, "validation": 4, "test": 4}),
        ("0.5/0.25/0.25", {"train": 20, "validation": 10, "test": 10}),
        ("0.9/0.1", {"train": 36, "validation": 4}),
        ("0.9/0.1/0", {"train": 36, "validation": 4}),
        ("0.2/0.4/0.4", {"train": 8, "validation": 16, "test": 16}),
    ],
)
def test_shares(inspect: Any, split: str | None, expected: dict[str, int]) -> None:
    assert sizes(inspect({"rows.jsonl": rows(PAIRS)}, at="rows.jsonl", split=split)) == expected


def test_a_beir_folder_with_one_split_is_divided_by_query_over_one_corpus(inspect: Any) -> None:
    files = {
        "corpus.jsonl": "\n".join(json.dumps({"_id": f"d{i}", "text": f"passage {i}"}) for i in range(30)),
        "queries.jsonl": "\n".join(json.dumps({"_id": f"q{i}", "text": f"query {i}"}) for i in range(20)),
        "qrels/test.tsv": "\n".join(f"q{i}\td{i // 2}\t1" for i in range(20)),
    }
    task = task_of(inspect(files, split="0.6/0.2/0.2"))
    assert {name: (len(data.queries), len(data.corpus)) for name, data in task.splits.items()} == {
        "train": (12, 30), "validation": (4, 30), "test": (4, 30),
    }  # fmt: skip
    assert len(task.training[0]) == 12
    answers = [{p for found in data.relevant.values() for p in found} for data in task.splits.values()]
    assert sum(map(len, answers)) == len(set().union(*answers)), "two queries share each passage and stay together"


def test_data_with_splits_is_not_divided(inspect: Any) -> None:
    report = inspect({"train.jsonl": rows(PAIRS), "test.jsonl": rows([("a", "b")])}, split="0.8/0.1/0.1")
    (problem,) = report.problems
    assert problem.startswith("data.split must be null for data that has its splits, but got 0.8/0.1/0.1, and ")


def test_a_column_of_groups_holds_rows_together(inspect: Any) -> None:
    groups = [number % 4 for number in range(40)]
    task = task_of(
        inspect(
            {"rows.jsonl": rows(PAIRS, page=groups)}, at="rows.jsonl", columns={"group": "page"}, split="0.5/0.25/0.25"
        )
    )
    pages = [{int(text.split()[1]) % 4 for text in data.queries.values()} for data in task.splits.values()]
    assert sorted(map(len, pages)) == [1, 1, 2]


def test_a_column_of_groups_is_never_guessed(inspect: Any) -> None:
    report = inspect({"rows.jsonl": rows(PAIRS, group=[1] * 40)}, at="rows.jsonl")
    assert sizes(report)["validation"] == 4
    assert any("'group'" in warning and "not read" in warning for warning in report.warnings)


def test_near_duplicates_hold_rows_together(inspect: Any) -> None:
    pairs = [(f"{WORDS} number {i // 2}{'!' * (i % 2)}", f"answer {i}") for i in range(40)]
    near = task_of(inspect({"rows.jsonl": rows(pairs)}, at="rows.jsonl", near_duplicates=1.0))
    owners: dict[str, set[str]] = {}
    for name, data in near.splits.items():
        for text in data.queries.values():
            owners.setdefault(text.rstrip("!"), set()).add(name)
    assert all(len(names) == 1 for names in owners.values())


@pytest.mark.parametrize(
    "text", ["", "1", "0.8", "0.8/0.3", "1/0/0", "0/0.5/0.5", "-0.1/0.6/0.5", "a/b", "0.5/0.2/0.2/0.1", "nan/0.1"]
)
def test_what_is_no_shares(text: str) -> None:
    assert not are_shares(text)


def test_a_missing_test_split_is_said_with_its_cost(inspect: Any) -> None:
    report = inspect({"rows.jsonl": rows(PAIRS)}, at="rows.jsonl", split="0.9/0.1")
    assert any("has no test split: a release will be judged by the validation queries" in w for w in report.warnings)
