from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from embedtune.config import DataConfig
from embedtune.data import inspect_task
from embedtune.data.readers.library.pydocs import MAX_PER_MODULE, read_modules, standard_modules
from embedtune.data.report import DataReport
from embedtune.records import TaskData

NEEDED = {"train": 120, "validation": 60, "test": 60}
STDLIB = Path(sysconfig.get_path("stdlib"))


@pytest.fixture(scope="module")
def report() -> DataReport:
    return inspect_task(DataConfig(max_train=600, max_queries=200))


@pytest.fixture(scope="module")
def task(report: DataReport) -> TaskData:
    assert report.task is not None
    return report.task


def test_sizes_are_those_asked_for(report: DataReport, task: TaskData) -> None:
    assert report.warnings == ()
    assert {split: (len(data.queries), len(data.corpus)) for split, data in task.splits.items()} == {
        "train": (600, 600),
        "validation": (200, 300),
        "test": (200, 300),
    }
    assert len(task.training[0]) == 600
    assert task.source == f"standard library of Python {sys.version.split()[0]}"


def test_every_query_has_one_answer_without_its_docstring(task: TaskData) -> None:
    for data in task.splits.values():
        for query, passages in data.relevant.items():
            (passage,) = passages
            assert 4 <= len(data.queries[query].split()) <= 30
            assert data.queries[query] not in data.corpus[passage]
    assert len({text for data in task.splits.values() for text in data.queries.values()}) == 1000
    assert len({text for data in task.splits.values() for text in data.corpus.values()}) == 1200


def test_no_module_is_in_two_splits() -> None:
    found = read_modules(STDLIB, 42, NEEDED)
    modules = {split: [snippet.module for snippet in snippets] for split, snippets in found.items()}
    assert sum(len(set(names)) for names in modules.values()) == len(set().union(*modules.values()))
    assert max(names.count(name) for names in modules.values() for name in set(names)) <= MAX_PER_MODULE


def test_seed_moves_modules_between_splits() -> None:
    one, other = ({s.module for s in read_modules(STDLIB, seed, NEEDED)["test"]} for seed in (1, 2))
    assert one != other


def test_modules_are_the_librarys_own_and_no_tests() -> None:
    names = standard_modules(STDLIB)
    assert {"ast", "json", "json.decoder"} <= set(names)
    assert not any({"test", "tests", "idlelib", "site-packages", "__main__"} & set(name.split(".")) for name in names)


def test_another_process_builds_the_same_task(task: TaskData) -> None:
    code = (
        "from embedtune.config import DataConfig; from embedtune.data import load_task;"
        "print(*sorted(load_task(DataConfig(max_train=600, max_queries=200)).digests.values()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == sorted(task.digests.values())


def test_small_task_is_possible() -> None:
    report = inspect_task(DataConfig(max_train=2, max_queries=1))
    assert report.task is not None
    assert {split: len(data.corpus) for split, data in report.task.splits.items()} == {
        "train": 2,
        "validation": 2,
        "test": 2,
    }


def test_library_without_sources_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path / "python311.zip"))
    (message,) = inspect_task(DataConfig()).problems
    assert message.startswith("data.source=pydocs must find the sources of the standard library of Python 3")
    assert message.endswith("Use a Python that is installed with its .py files, or your own texts with data=files.")
