"""Every mistake is named with its place, and all of them at once."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from embedtune.config import DataConfig
from embedtune.data import inspect_task, load_task
from embedtune.errors import DataError

GOOD = {"questions": {"a": "one?", "b": "two?"}, "relevant_contexts": {"a": ["x"], "b": ["x"]}, "corpus": {"x": "text"}}
BEIR = {
    "corpus.jsonl": '{"_id": "d1", "text": "one"}\n{"_id": "d2", "text": "two"}\n',
    "queries.jsonl": '{"_id": "q1", "text": "which?"}\n',
    "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t1\n",
}


def problems(path: Path, **keys: Any) -> tuple[str, ...]:
    report = inspect_task(DataConfig(name="small", source="files", path=str(path), **keys))
    assert (report.task is None) == bool(report.problems)
    return report.problems


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"questions": {"a": "one?", "b": " \t\u2003"}}, r"query 'b' must not be empty, but got ' \t\u2003'"),
        ({"corpus": {"x": ""}}, "passage 'x' must not be empty, but got ''"),
        ({"corpus": {"x": None}}, "passage 'x' must be text, but got null"),
        ({"corpus": {"x": ["text"]}}, "passage 'x' must be text, but got list"),
        ({"corpus": {"x": "half \ud83e"}}, "passage 'x' must be valid Unicode, but got half a surrogate pair"),
        ({"relevant_contexts": {"a": ["x"], "b": ["y"]}}, "relevance of 'b' must name known passages, but got 'y'"),
        ({"relevant_contexts": {"a": "x", "b": "x", "c": "x"}}, "relevance of 'c' must name a known query"),
        ({"relevant_contexts": {"a": ["x"], "b": []}}, "query 'b' must have a relevant passage, but"),
        ({"relevant_contexts": {"a": ["x"]}}, "query 'b' must have a relevant passage, but"),
        (
            {"relevant_contexts": {"a": ["x"], "b": ["x", True]}},
            "relevance of 'b' must be a passage id or a list",
        ),
        ({"questions": {}, "relevant_contexts": {}}, "must have at least one query, but got none"),
        ({"corpus": ["text"]}, "corpus must be an object of id: value, but got list"),
    ],
)
def test_object_problem_names_file_and_id(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    write(tmp_path, {"test.jsonl": json.dumps(GOOD | change)})
    found = problems(tmp_path)
    assert len(found) == 1
    assert found[0].startswith(f"{tmp_path / 'test.jsonl'} {message}")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("test.jsonl", '{"questions": {"a": "b"},\n "corpus": {"x": "y"', "test.jsonl:2 must be JSON, but got: "),
        ("test.json", '{"questions": {"a": "b"', "test.json:1 must be JSON, but got: "),
        ("test.json", '{"questions": {}, "corpus": {}}', "must have the key relevant_contexts or relevant_docs"),
        ("test.json", '{"questions": {"a": "1", "a": "2"}, "corpus": {}}', "must not repeat a key, but got 'a' twice"),
        ("test.jsonl", '{"anchor": "a", "positive": "b"}\n\n{"anchor": "a', "test.jsonl:3 must be JSON, but got: "),
        ("test.jsonl", '{"anchor": "a", "pos\n{"anchor": "a", "positive": "b"}', "test.jsonl:1 must be JSON"),
        ("test.jsonl", '{"anchor": "a", "positive": "b"}\n[1]', "test.jsonl:2 must be a JSON object, but got list"),
        ("test.jsonl", '{"anchor": "a", "positive": "b"}\nnull', "jsonl:2 must be a JSON object, but got NoneType"),
        ("test.jsonl", '{"anchor": "a", "positive": "b"}\n{"anchor": "c"}', "jsonl:2 positive must be text"),
        ("test.jsonl", '{"anchor": "a", "positive": 3}', "test.jsonl:1 positive must be text, but got int"),
        ("test.csv", "anchor,positive\na,b\nc,\n", "test.csv:3 positive must not be empty, but got ''"),
        ("test.csv", "anchor,positive\na,b\nc\n", "test.csv:3 positive must be text, but got null"),
        ("test.csv", "anchor,positive\na,b,c\n", "test.csv:2 must have 2 fields as its header, but got more"),
        ("test.csv", 'anchor,positive\na,"b\n', "must be CSV, but got: unexpected end of data"),
        ("test.csv", "anchor,positive\n", "test.csv must have at least one row, but got none"),
        ("test.csv", "", "test.csv must have at least one row, but got none"),
        ("test.csv", "text,words\na,b\n", "test.csv must have a column for anchor (anchor, query, "),
        ("test.csv", "query,question,answer\na,b,c\n", "must have one column for anchor, but got query, question."),
        ("test.csv", b"anchor,positive\na,caf\xe9\n", "test.csv:2 must be UTF-8, but got the byte 0xe9"),
        ("test.parquet", b"PAR1 torn", "test.parquet must be a whole Parquet file, but got: "),
    ],
)  # fmt: skip
def test_unreadable_content_names_the_line(tmp_path: Path, file: str, content: str | bytes, message: str) -> None:
    write(tmp_path, {file: content})
    assert any(message in problem for problem in problems(tmp_path)), problems(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("corpus.jsonl", BEIR["corpus.jsonl"] * 2, "corpus.jsonl:3 must have an _id of its own, but got 'd1'"),
        ("corpus.jsonl", BEIR["corpus.jsonl"] + '{"text": "x"}', "jsonl:3 must have an _id that is text, but got"),
        ("corpus.jsonl", '{"_id": "d1", "title": " ", "text": ""}', "corpus.jsonl:1 passage 'd1' must not be empty"),
        ("corpus.jsonl", '{"_id": "d1", "title": "only"}', "corpus.jsonl:1 passage 'd1' must be text, but got null"),
        ("corpus.jsonl", '{"_id": "d1", "text": "x"}\ntorn', "corpus.jsonl:2 must be JSON"),
        ("queries.jsonl", '{"_id": "q1", "text": "\\n"}', "queries.jsonl:1 query 'q1' must not be empty"),
        ("qrels/test.tsv", "q\tc\ts\nq1\td9\t1\n", "tsv:2 relevance of 'q1' must name known passages, but got 'd9'"),
        ("qrels/test.tsv", "q\tc\ts\nq1\td1\t1\nq9\td1\t1\n", "test.tsv:3 relevance of 'q9' must name a known query"),
        ("qrels/test.tsv", "q\tc\ts\nq1\td1\t0\n", "query 'q1' must have a relevant passage, but"),
        ("qrels/test.tsv", "q\tc\ts\nq1\td1\t1\nq1 d1 1\n", "test.tsv:3 must be query-id, corpus-id and score between"),
        ("qrels/test.tsv", "q\tc\ts\n", "must have at least one query, but got none"),
    ],
)  # fmt: skip
def test_beir_problem_names_file_and_line(tmp_path: Path, file: str, content: str, message: str) -> None:
    write(tmp_path, BEIR | {file: content})
    assert any(message in problem for problem in problems(tmp_path)), problems(tmp_path)


@pytest.mark.parametrize("missing", ["corpus.jsonl", "queries.jsonl"])
def test_beir_that_lacks_a_file_says_so(tmp_path: Path, missing: str) -> None:
    write(tmp_path, {name: content for name, content in BEIR.items() if name != missing})
    (problem,) = problems(tmp_path)
    assert problem == (
        f"{tmp_path} must have {missing}, as BEIR folders do, but it is missing. Add it, or set data.splits."
    )


def test_beir_without_qrels_says_which_files_are_missing(tmp_path: Path) -> None:
    write(tmp_path, {name: text for name, text in BEIR.items() if "qrels" not in name})
    (message,) = problems(tmp_path)
    assert "qrels must have a file train.tsv|.txt|.jsonl|.parquet or validation.tsv" in message
    assert "but got nothing." in message


def test_corpus_shared_by_splits_is_complained_of_once(tmp_path: Path) -> None:
    files = BEIR | {"corpus.jsonl": '{"_id": "d1", "text": ""}', "qrels/dev.tsv": BEIR["qrels/test.tsv"]}
    assert len(problems(write(tmp_path, files))) == 1


def test_path_that_does_not_exist(tmp_path: Path) -> None:
    (message,) = problems(tmp_path / "nowhere")
    assert message.startswith(f"data.path must be a file or a folder that exists, but got {tmp_path / 'nowhere'}")


def test_folder_without_data_lists_what_it_holds(tmp_path: Path) -> None:
    write(tmp_path, {"notes.txt": "x", "data.csv": "anchor,positive\na,b\n"})
    (message,) = problems(tmp_path)
    assert "but got data.csv, notes.txt. Rename one or set data.splits.SPLIT=FILE." in message


def test_two_files_for_one_split(tmp_path: Path) -> None:
    write(tmp_path, {"dev.csv": "anchor,positive\na,b\n", "val.csv": "anchor,positive\na,b\n"})
    (message,) = problems(tmp_path)
    assert "must have one file for validation, but got dev.csv and val.csv. Set data.splits.validation=FILE." in message


def test_one_object_as_path_says_how_to_name_its_split(tmp_path: Path) -> None:
    write(tmp_path, {"mine.json": json.dumps(GOOD)})
    (message,) = problems(tmp_path / "mine.json")
    assert message.endswith("one split. Give its folder, or say which split it is: data.splits.test=mine.json.")


def test_named_split_that_does_not_exist(tmp_path: Path) -> None:
    write(tmp_path, {"test.json": json.dumps(GOOD)})
    (message,) = problems(tmp_path, splits={"validation": "none.json"})
    assert message.startswith(f"{tmp_path / 'none.json'} must be a file that can be read, but got: No such file")


def test_keys_of_the_configuration_are_checked_with_the_files(tmp_path: Path) -> None:
    write(tmp_path, {"test.csv": "prompt,positive\na,\n"})
    found = problems(tmp_path, columns={"anchor": "promt", "query": "prompt"}, extra={"small": "none.csv"})
    assert found == (
        f"data.columns.anchor must be a column of {tmp_path / 'test.csv'}, but got promt; it has prompt, positive. "
        "Use one.",
        "data.columns.query must be one of anchor, positive, negative, score, group, or the second and the "
        "third with a number (negative_2), but got query. Rename it.",
        "data.extra.small must have a name of its own, but got the name of the data. Rename it.",
        "none.csv must be a file that can be read, but got: No such file or directory. "
        "Check the path and its permissions.",
    )


@pytest.mark.parametrize("rows", [1, 3])
def test_training_needs_two_rows(tmp_path: Path, rows: int) -> None:
    lines = [f"q{i},p{i}" for i in range(rows)]
    write(tmp_path, {"all.csv": "\n".join(["anchor,positive", *lines])})
    (message,) = problems(tmp_path / "all.csv", max_train=1)
    assert message.startswith("training set small must have at least 2 rows, but got 1.")


def test_repeated_problems_are_listed_five_times_and_counted(tmp_path: Path) -> None:
    lines = [f"q{i}," for i in range(1000)]
    write(tmp_path, {"test.csv": "\n".join(["anchor,positive", *lines, ",p"])})
    found = problems(tmp_path)
    assert len(found) == 7
    assert found[5] == f"... and 995 more: positive texts of {tmp_path / 'test.csv'} that must not be empty."
    assert found[6].startswith(f"{tmp_path / 'test.csv'}:1002 anchor must not be empty")


def test_load_task_raises_all_problems_of_all_files(tmp_path: Path) -> None:
    write(tmp_path, {"train.csv": "anchor,positive\na,\n", "test.json": json.dumps(GOOD | {"corpus": {"x": ""}})})
    with pytest.raises(DataError) as caught:
        load_task(DataConfig(source="files", path=str(tmp_path)))
    first, second = str(caught.value).split("\n")
    assert "train.csv:2 positive must not be empty" in first
    assert "test.json passage 'x' must not be empty" in second


def test_load_task_logs_what_is_suspicious(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, {"train.csv": "anchor,positive\na,b\nc,d\n"})
    with caplog.at_level(logging.WARNING, logger="embedtune"):
        load_task(DataConfig(source="files", path=str(tmp_path)))
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path} has no validation split, so no study can be run on it. Set data.splits.validation."
    ]
