"""The same task in every format, and which file is which split."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from embedtune.config import DataConfig
from embedtune.data import load_task
from embedtune.records import TaskData

Pairs = Sequence[tuple[str, str]]
Write = Callable[[Path, str, Pairs], None]

TASK: Mapping[str, Pairs] = {
    "train": [
        ("where is the lantern", "The lantern hangs in the hall."),
        ("who lit the lantern", "The lantern hangs in the hall."),
        ("what does the café serve", 'Café №7 serves tea,\nand "cake".'),
        ("how old is the orchard", "The orchard\u2028is a century old."),
    ],
    "validation": [("what turns the mill", "Water turns the mill; wind does not.")],
    "test": [("who keeps the falcon", "The falcon\u0085 is kept by nobody."), ("谁养鹰", "鹰 🦅 is kept at night.")],
}


def as_object(pairs: Pairs) -> dict[str, Any]:
    passages = list(dict.fromkeys(passage for _, passage in pairs))
    return {
        "questions": {f"q{i}": query for i, (query, _) in enumerate(pairs)},
        "relevant_contexts": {f"q{i}": [f"p{passages.index(p)}"] for i, (_, p) in enumerate(pairs)},
        "corpus": {f"p{i}": passage for i, passage in enumerate(passages)},
    }


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def write_json_lines(path: Path, records: Sequence[Any]) -> None:
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_object(folder: Path, name: str, pairs: Pairs) -> None:
    write_json(folder / f"{name}.jsonl", as_object(pairs))


def write_pretty_object(folder: Path, name: str, pairs: Pairs) -> None:
    text = json.dumps(as_object(pairs), indent=2).replace("questions", "queries")
    text = text.replace("relevant_contexts", "relevant_docs").replace("corpus", "contexts")
    (folder / f"{name.upper()}.JSONL").write_text("\n" + text + "\n", encoding="utf-8")


def write_row_lines(folder: Path, name: str, pairs: Pairs) -> None:
    write_json_lines(folder / f"{name}.jsonl", [{"anchor": a, "positive": p} for a, p in reversed(pairs)])


def write_csv(folder: Path, name: str, pairs: Pairs) -> None:
    with (folder / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([("Answer", "id", "Question"), *((p, i, a) for i, (a, p) in enumerate(pairs))])


def write_tabs(folder: Path, name: str, pairs: Pairs) -> None:
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter="\t").writerows([("query", "passage"), *pairs])


def write_parquet(folder: Path, name: str, pairs: Pairs) -> None:
    import pyarrow
    from pyarrow import parquet

    columns = {"sentence_0": [a for a, _ in pairs], "other": [1] * len(pairs), "sentence_1": [p for _, p in pairs]}
    parquet.write_table(pyarrow.table(columns), folder / f"{name}.parquet")


WRITERS: Mapping[str, Write] = {
    "object": write_object,
    "pretty object": write_pretty_object,
    "row lines": write_row_lines,
    "csv": write_csv,
    "tabs": write_tabs,
    "parquet": write_parquet,
}


def write_beir(folder: Path, task: Mapping[str, Pairs]) -> None:
    """Splits share one corpus, as they do in BEIR."""
    passages = list(dict.fromkeys(passage for pairs in task.values() for _, passage in pairs))
    corpus = []
    for number, passage in enumerate(passages):
        title, space, text = passage.partition(" ")
        record = {"title": title, "text": text} if space else {"text": passage}
        corpus.append({"_id": f"d{number}", **record})
    write_json_lines(folder / "corpus.jsonl", corpus)
    queries = [query for pairs in task.values() for query, _ in pairs]
    write_json_lines(folder / "queries.jsonl", [{"_id": str(i), "text": query} for i, query in enumerate(queries)])
    (folder / "qrels").mkdir()
    for split, pairs in task.items():
        judged = [f"{queries.index(query)}\td{passages.index(passage)}\t1" for query, passage in pairs]
        unfit = f"{queries.index(pairs[0][0])}\td{len(passages) - 1 if split != 'test' else 0}\t0"
        lines = ["query-id\tcorpus-id\tscore", *judged, unfit]
        name = {"validation": "dev"}.get(split, split)
        (folder / "qrels" / f"{name}.tsv").write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")


def load(path: Path, **keys: Any) -> TaskData:
    return load_task(DataConfig(name="small", source="files", path=str(path), **keys))


@pytest.fixture
def object_folder(tmp_path: Path) -> Path:
    """The task as one-object JSON."""
    for split, pairs in TASK.items():
        write_object(tmp_path, split, pairs)
    return tmp_path


def texts(task: TaskData, split: str) -> set[tuple[str, str]]:
    data = task.splits[split]
    return {(data.queries[q], data.corpus[p]) for q, passages in data.relevant.items() for p in passages}


@pytest.mark.parametrize("format_name", WRITERS)
def test_every_format_gives_the_same_task(tmp_path: Path, format_name: str) -> None:
    for split, pairs in TASK.items():
        WRITERS[format_name](tmp_path, split, pairs)
    task = load(tmp_path)
    assert list(task.splits) == ["train", "validation", "test"]
    for split, pairs in TASK.items():
        assert texts(task, split) == set(pairs)
        assert set(task.splits[split].corpus.values()) == {passage for _, passage in pairs}
    (training,) = task.training
    assert training.name == "small"
    assert set(zip(training.columns["anchor"], training.columns["positive"], strict=True)) == set(TASK["train"])


@pytest.mark.parametrize("format_name", WRITERS)
def test_digests_do_not_depend_on_format_ids_or_order(tmp_path: Path, object_folder: Path, format_name: str) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    for split, pairs in TASK.items():
        WRITERS[format_name](folder, split, pairs)
    digests = load(folder).digests
    assert set(digests) == {"train", "validation", "test", "training"}
    assert digests == load(object_folder).digests


def test_beir_gives_the_digest_of_the_same_content_as_one_object(tmp_path: Path) -> None:
    beir, objects = tmp_path / "beir", tmp_path / "objects"
    beir.mkdir()
    objects.mkdir()
    write_beir(beir, TASK)
    everything = as_object([pair for pairs in TASK.values() for pair in pairs])
    for split, pairs in TASK.items():
        kept = [key for key, text in everything["questions"].items() if text in {query for query, _ in pairs}]
        part = {name: {key: everything[name][key] for key in kept} for name in ("questions", "relevant_contexts")}
        write_json(objects / f"{split}.json", part | {"corpus": everything["corpus"]})
    task = load(beir)
    assert task.digests == load(objects).digests
    assert all(len(data.corpus) == 6 for data in task.splits.values())
    assert {len(data.queries) for data in task.splits.values()} == {4, 1, 2}


def test_beir_splits_name_the_qrels_file(tmp_path: Path) -> None:
    write_beir(tmp_path, TASK)
    (tmp_path / "qrels" / "dev.tsv").rename(tmp_path / "qrels" / "dev-2.tsv")
    task = load(tmp_path, splits={"validation": "qrels/dev-2.tsv"})
    assert texts(task, "validation") == set(TASK["validation"])


def test_beir_reads_numbers_as_ids_and_qrels_without_header(tmp_path: Path) -> None:
    write_json_lines(tmp_path / "corpus.jsonl", [{"_id": 1, "title": "", "text": "one"}, {"_id": 2, "text": "two"}])
    write_json_lines(tmp_path / "queries.jsonl", [{"_id": 7, "text": "which"}, {"_id": 8, "text": "of no split"}])
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("7\t1\t2\n7\t2\t0\n7\t1\t2\n")
    data = load(tmp_path).splits["test"]
    assert data.queries == {"7": "which"}
    assert data.corpus == {"1": "one", "2": "two"}
    assert data.relevant == {"7": frozenset({"1"})}


def test_object_may_name_one_passage_or_several(tmp_path: Path) -> None:
    content = {
        "queries": {"a": "first", "b": "second"},
        "relevant_docs": {"a": "x", "b": ["y", 1, "y"]},
        "corpus": {"x": "ex", "y": "why", "1": "one"},
    }
    write_json(tmp_path / "train.json", content)
    task = load(tmp_path)
    assert task.splits["train"].relevant == {"a": frozenset({"x"}), "b": frozenset({"y", "1"})}
    assert task.training[0].columns == {"anchor": ("first", "second", "second"), "positive": ("ex", "why", "one")}


def test_object_beside_rows_and_only_a_test_split(tmp_path: Path) -> None:
    write_object(tmp_path, "Test", TASK["test"])
    (tmp_path / "README.md").write_text("not data")
    task = load(tmp_path)
    assert list(task.splits) == ["test"]
    assert task.training == ()
    assert set(task.digests) == {"test"}


def test_splits_name_files_whose_names_do_not(object_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "some.data"
    (object_folder / "validation.jsonl").rename(elsewhere)
    (object_folder / "test.jsonl").rename(object_folder / "held-out.json")
    task = load(object_folder, splits={"validation": str(elsewhere), "test": "held-out.json"})
    assert {split: texts(task, split) for split in task.splits} == {split: set(p) for split, p in TASK.items()}


def test_a_file_with_splits_is_for_training_or_what_splits_say(object_folder: Path) -> None:
    train = load(object_folder / "train.jsonl", splits={"validation": "validation.jsonl"})
    assert list(train.splits) == ["train", "validation"]
    alone = load(object_folder / "test.jsonl", splits={"test": "test.jsonl"})
    assert list(alone.splits) == ["test"]


def test_rows_keep_negatives_in_columns_and_corpus(tmp_path: Path) -> None:
    rows = [{"query": "q1", "positive": "p1", "negative": "n"}, {"query": "q2", "positive": "p2", "negative": "n"}]
    write_json_lines(tmp_path / "train.jsonl", rows)
    task = load(tmp_path)
    assert task.training[0].columns == {"anchor": ("q1", "q2"), "positive": ("p1", "p2"), "negative": ("n", "n")}
    assert set(task.splits["train"].corpus.values()) == {"p1", "p2", "n"}
    assert texts(task, "train") == {("q1", "p1"), ("q2", "p2")}


def test_equal_anchors_become_one_query_with_two_passages(tmp_path: Path) -> None:
    write_row_lines(tmp_path, "train", [("same", "one"), ("same", "two")])
    task = load(tmp_path)
    assert list(map(len, task.splits["train"].relevant.values())) == [2]
    assert len(task.training[0]) == 2


def test_columns_map_names_that_are_not_usual(tmp_path: Path) -> None:
    write_json_lines(tmp_path / "train.jsonl", [{"prompt": f"q{i}", "question": "x", "doc": f"p{i}"} for i in range(2)])
    task = load(tmp_path, columns={"anchor": "prompt", "positive": "doc"})
    assert task.training[0].columns == {"anchor": ("q0", "q1"), "positive": ("p0", "p1")}


def test_extra_sets_follow_in_order(object_folder: Path) -> None:
    write_csv(object_folder, "faq", [("a", "b"), ("c", "d")])
    extra = {"faq": str(object_folder / "faq.csv"), "more": str(object_folder / "test.jsonl")}
    task = load(object_folder, extra=extra)
    assert [(training.name, len(training)) for training in task.training] == [("small", 4), ("faq", 2), ("more", 2)]
    assert list(task.splits) == ["train", "validation", "test"]
    assert task.digests["training"] != load(object_folder).digests["training"]


def test_single_file_of_rows_is_split_by_group(tmp_path: Path) -> None:
    pairs = [(f"question {i}", f"passage {i // 2}") for i in range(200)]
    write_csv(tmp_path, "all", pairs)
    task = load(tmp_path / "all.csv")
    answers = [set(data.corpus.values()) for data in task.splits.values()]
    assert sum(map(len, answers)) == len(set.union(*answers)) == 100
    assert {split: len(data.queries) for split, data in task.splits.items()} == {
        "train": 160,
        "validation": 20,
        "test": 20,
    }
    write_parquet(tmp_path, "all", pairs[::-1])
    assert load(tmp_path / "all.parquet").digests == task.digests
    assert load(tmp_path / "all.csv", seed=1).digests != task.digests


def test_an_object_is_recognised_by_its_content_not_its_name(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(json.dumps(as_object(TASK["train"])))
    (tmp_path / "test.json").write_text("anchor,positive\na,b\n")
    task = load(tmp_path)
    assert texts(task, "train") == set(TASK["train"])
    assert texts(task, "test") == {("a", "b")}
