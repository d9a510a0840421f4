from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from embedtune.config import DataConfig
from embedtune.data import inspect_task


def warnings(path: Path, **keys: Any) -> tuple[str, ...]:
    report = inspect_task(DataConfig(name="small", source="files", path=str(path), **keys))
    assert report.problems == ()
    return report.warnings


def write_rows(folder: Path, **splits: list[tuple[str, str]]) -> Path:
    for split, rows in splits.items():
        lines = [json.dumps({"anchor": anchor, "positive": positive}) for anchor, positive in rows]
        (folder / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


CLEAN = {"train": [("a", "p"), ("b", "q")], "validation": [("c", "r")], "test": [("d", "s")]}


def test_clean_task_has_no_warning(tmp_path: Path) -> None:
    assert warnings(write_rows(tmp_path, **CLEAN)) == ()


def test_queries_and_answers_in_two_splits(tmp_path: Path) -> None:
    leaky = CLEAN | {"validation": [("a", "new"), ("b", "newer")], "test": [("d", "new"), ("e", "p" * 200)]}
    leaky["train"] = [*CLEAN["train"], ("f", "p" * 200)]
    assert warnings(write_rows(tmp_path, **leaky)) == (
        "2 queries are both in train and in validation, e.g. 'a'.",
        f"1 relevant passages are both in train and in test, e.g. '{'p' * 77}...'.",
        "1 relevant passages are both in validation and in test, e.g. 'new'.",
    )


def test_extra_training_sets_may_leak_too(tmp_path: Path) -> None:
    write_rows(tmp_path, **CLEAN, more=[("x", "s"), ("y", "t")])
    found = warnings(tmp_path, extra={"more": str(tmp_path / "more.jsonl")})
    assert found == ("1 relevant passages are both in train and in test, e.g. 's'.",)


def test_shared_corpus_alone_is_no_leak(tmp_path: Path) -> None:
    corpus = {"p": "one", "q": "two"}
    for split, passage in (("validation", "p"), ("test", "q")):
        content = {"queries": {"a": split}, "relevant_docs": {"a": passage}, "corpus": corpus}
        (tmp_path / f"{split}.json").write_text(json.dumps(content))
    assert warnings(tmp_path) == ()


def test_equal_passages_in_one_corpus(tmp_path: Path) -> None:
    content = {"queries": {"a": "q"}, "relevant_docs": {"a": "x"}, "corpus": {"x": "same", "y": "same", "z": "other"}}
    (tmp_path / "test.json").write_text(json.dumps(content))
    (found,) = warnings(tmp_path)
    assert found.startswith("test: 1 of 3 passages repeat the text of another, e.g. 'same'.")


def test_equal_positives_in_training(tmp_path: Path) -> None:
    write_rows(tmp_path, **CLEAN | {"train": [("a", "p"), ("b", "p"), ("c2", "q")]})
    (found,) = warnings(tmp_path)
    assert found.startswith("training set small: 2 of 3 rows share their positive with another row.")
    assert found.endswith("in batches of at most 2 rows: one positive is in 2 rows, so an epoch has that many batches.")


def test_column_of_grades(tmp_path: Path) -> None:
    rows = "\n".join(f"first {i}\tsecond {i}\t{i % 2}" for i in range(40))
    (tmp_path / "pairs.tsv").write_text(f"sentence1\tsentence2\tlabel\n{rows}\n")
    found = warnings(tmp_path / "pairs.tsv")
    assert found
    assert all(said.startswith(f"{tmp_path / 'pairs.tsv'}: ") for said in found)
    assert all("pairs have a score below 0.5 and count as no answer" in said for said in found)
