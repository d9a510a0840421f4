"""A folder whose queries were made says so, whatever becomes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from embedtune.config import DataConfig
from embedtune.data import inspect_task, load_task
from embedtune.errors import DataError
from embedtune.records import Synthetic


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "made"
    (root / "qrels").mkdir(parents=True)
    corpus = [{"_id": f"d{i}", "text": f"passage number {i}"} for i in range(6)]
    queries = [{"_id": f"q{i}", "text": f"where is number {i}"} for i in range(6)]
    (root / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)), encoding="utf-8")
    (root / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)), encoding="utf-8")
    for place, split in enumerate(("train", "validation", "test")):
        rows = "".join(f"q{i}\td{i}\t1\n" for i in (2 * place, 2 * place + 1))
        (root / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}", encoding="utf-8")
    (root / "synthetic.json").write_text('{"method": "ask", "model": "m7"}', encoding="utf-8")
    real = [{"anchor": f"a real question {i}", "positive": f"its real answer {i}"} for i in range(3)]
    (tmp_path / "real.jsonl").write_text("\n".join(map(json.dumps, real)), encoding="utf-8")
    return root


def config(folder: Path, **splits: str) -> DataConfig:
    return DataConfig(source="files", path=str(folder), splits=splits)


def test_the_task_says_it_and_its_digest_does_not(folder: Path) -> None:
    task = load_task(config(folder))
    assert task.synthetic == Synthetic("ask", "m7", ("train", "validation", "test"))
    assert task.synthetic.sentence in task.warnings
    assert "train, validation and test are synthetic (asked of m7)" in task.synthetic.sentence
    (folder / "synthetic.json").unlink()
    plain = load_task(config(folder))
    assert plain.synthetic is None
    assert plain.digests == task.digests


def test_real_queries_judge(folder: Path) -> None:
    task = load_task(config(folder, validation="../real.jsonl"))
    assert task.synthetic == Synthetic("ask", "m7", ("train",))
    assert "test" not in task.splits
    assert list(task.splits["validation"].queries.values()) == [f"a real question {i}" for i in range(3)]
    assert any("synthetic test split is left out" in warning for warning in task.warnings)
    task = load_task(config(folder, test="../real.jsonl"))
    assert task.synthetic == Synthetic("ask", "m7", ("train", "validation"))
    assert len(task.splits["test"].queries) == 3


@pytest.mark.parametrize("content", ["{", "[]", '{"method": 3, "model": null}', '{"method": "ask", "model": 3}'])
def test_a_mark_that_cannot_be_read_is_a_problem(folder: Path, content: str) -> None:
    (folder / "synthetic.json").write_text(content, encoding="utf-8")
    assert inspect_task(config(folder)).task is None
    with pytest.raises(DataError, match=r"synthetic\.json must"):
        load_task(config(folder))
