"""The datasets library reads local folders in the same way as repositories of the hub, so no network is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedtune.config import DataConfig
from embedtune.data import inspect_task
from embedtune.data.report import DataReport


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


def inspect(path: Path | str, **keys: Any) -> DataReport:
    return inspect_task(DataConfig(name="hub", source="hub", path=str(path), **keys))


def write_split(folder: Path, name: str, count: int = 3, header: str = "query,answer") -> None:
    lines = [f"{name} question {i},{name} passage {i}" for i in range(count)]
    (folder / f"{name}.csv").write_text("\n".join([header, *lines]))


def test_splits_of_the_dataset(tmp_path: Path) -> None:
    for name in ("train", "validation", "test"):
        write_split(tmp_path, name)
    report = inspect(tmp_path)
    assert report.problems == ()
    assert report.task is not None
    assert {split: len(data.queries) for split, data in report.task.splits.items()} == {
        "train": 3,
        "validation": 3,
        "test": 3,
    }
    assert report.task.training[0].columns["anchor"] == tuple(f"train question {i}" for i in range(3))


def test_training_split_alone_is_split_by_group(tmp_path: Path) -> None:
    write_split(tmp_path, "train", 40)
    task = inspect(tmp_path).task
    assert task is not None
    assert {split: len(data.queries) for split, data in task.splits.items()} == {
        "train": 32,
        "validation": 4,
        "test": 4,
    }


def test_unknown_columns_and_splits_are_named(tmp_path: Path) -> None:
    write_split(tmp_path, "train", header="text,words")
    found = inspect(tmp_path, splits={"test": "held-out"}).problems
    assert found[1].startswith(f"{tmp_path} train must have a column for anchor (anchor, query, ")
    assert "but got text, words. Rename one or set data.columns.anchor." in found[1]
    assert found[0] == (
        f"data.splits.test must be a split of {tmp_path}, but got held-out; it has train. Use one of them."
    )


def test_dataset_that_cannot_be_had_says_what_to_do() -> None:
    (message,) = inspect("nobody/nothing").problems
    assert message.startswith("data.path must be a dataset that the hub or its cache gives, but got nobody/nothing: ")
    assert message.endswith("or download its files and use data=files data.path=FOLDER.")


@pytest.fixture
def two_subsets(tmp_path: Path) -> Path:
    """A repository with subsets, as its card declares them."""
    card = ["---", "configs:"]
    for name in ("de", "en"):
        (tmp_path / name).mkdir()
        write_split(tmp_path / name, f"{name}-train", 40)
        card += [f"- config_name: {name}", "  data_files:", "  - split: train", f"    path: {name}/{name}-train.csv"]
    (tmp_path / "README.md").write_text("\n".join([*card, "---", ""]))
    return tmp_path


def test_a_subset_is_read_by_its_name(two_subsets: Path) -> None:
    report = inspect(two_subsets, subset="de")
    assert report.problems == ()
    assert report.task is not None
    anchors = report.task.training[0].columns["anchor"]
    assert {anchor.partition(" ")[0] for anchor in anchors} == {"de-train"}


@pytest.mark.parametrize("subset", [None, "fr"])
def test_without_a_subset_those_there_are_are_named(two_subsets: Path, subset: str | None) -> None:
    (problem,) = inspect(two_subsets, subset=subset).problems
    assert f"data.subset must be one of the 2 subsets of {two_subsets}, but got {subset}." in problem
    assert "Type data.subset=NAME with one of de, en." in problem
