from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from embedtune.config import DataConfig
from embedtune.data import inspect_task, load_task


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split in ("train", "validation", "test"):
        lines = [f"{split} question {i},{split} passage {i} in words" for i in range(30)]
        (tmp_path / f"{split}.csv").write_text("\n".join(["question,answer", *lines]))
    return tmp_path


def test_limits_keep_order_and_corpus(folder: Path) -> None:
    whole = load_task(DataConfig(source="files", path=str(folder)))
    task = load_task(DataConfig(source="files", path=str(folder), max_train=7, max_queries=5))
    anchors, everything = task.training[0].columns["anchor"], whole.training[0].columns["anchor"]
    assert len(anchors) == 7
    assert list(anchors) == [anchor for anchor in everything if anchor in anchors]
    for split in ("validation", "test"):
        kept = task.splits[split].queries
        assert len(kept) == 5
        assert list(kept) == [query for query in whole.splits[split].queries if query in kept]
        assert set(task.splits[split].relevant) == set(kept)
        assert task.splits[split].corpus == whole.splits[split].corpus
    assert task.splits["train"] == whole.splits["train"]
    assert task.digests["train"] == whole.digests["train"]
    assert all(task.digests[part] != whole.digests[part] for part in ("training", "validation", "test"))


def test_limits_draw_by_seed_and_may_exceed_the_data(folder: Path) -> None:
    def digests(seed: int, limit: int) -> dict[str, str]:
        config = DataConfig(source="files", path=str(folder), seed=seed, max_train=limit, max_queries=limit)
        return dict(load_task(config).digests)

    assert digests(1, 7) == digests(1, 7) != digests(2, 7)
    assert digests(1, 99) == digests(2, 99)


def test_report_describes_the_task_in_json(folder: Path) -> None:
    report = inspect_task(DataConfig(name="mine", source="files", path=str(folder), max_queries=4))
    facts = json.loads(json.dumps(report.to_dict()))
    assert facts["name"] == "mine"
    assert facts["source"] == str(folder)
    assert set(facts["digests"]) == {"train", "validation", "test", "training"}
    assert facts["splits"]["test"] == {
        "queries": 4,
        "corpus": 30,
        "relevant_per_query": 1.0,
        "query_words": {"min": 3, "mean": 3.0, "max": 3},
        "passage_words": {"min": 5, "mean": 5.0, "max": 5},
    }
    assert facts["training"] == [{"name": "mine", "rows": 30, "columns": ["anchor", "positive"]}]
    assert facts["problems"] == facts["warnings"] == []


def test_report_of_a_broken_task_has_problems_and_nothing_else(tmp_path: Path) -> None:
    facts = inspect_task(DataConfig(source="files", path=str(tmp_path / "none"))).to_dict()
    assert len(facts.pop("problems")) == 1
    assert facts == {"name": None, "source": None, "digests": {}, "splits": {}, "training": [], "warnings": []}


def test_import_is_light() -> None:
    code = (
        "import sys, embedtune.data\n"
        "heavy = {'torch', 'datasets', 'pandas', 'pyarrow', 'transformers', 'sentence_transformers'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
