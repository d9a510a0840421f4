"""A folder goes on with the storage it was begun with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from embedtune.config import Config
from embedtune.errors import ConfigError
from embedtune.paths import StudyPaths
from embedtune.records import Objective, Search, TaskData
from embedtune.study import open_study
from embedtune.study.binding import bind, require_own_storage
from embedtune.study.definition import define_study, load_definition, save_definition

TASK = TaskData("t", "made here", (), {}, {"train": "a"})


def begin(paths: StudyPaths, storage: str | None, *, old: bool = False) -> None:
    """As a sweep does."""
    require_own_storage(paths, storage)
    study = open_study(paths, storage)
    definition = define_study(Config(), TASK, Objective("cosine_map@100", 64), Search())
    save_definition(paths, definition if old else replace(definition, id=bind(study)))


@pytest.fixture
def paths(tmp_path: Path) -> StudyPaths:
    return StudyPaths(tmp_path / "sweeps" / "s")


def test_the_same_storage_goes_on(paths: StudyPaths) -> None:
    begin(paths, None)
    first = load_definition(paths)
    begin(paths, None)
    assert load_definition(paths) == first
    assert first is not None
    assert len(first.id or "") == 32


@pytest.mark.parametrize("order", [("journal", "sqlite"), ("sqlite", "journal")])
def test_another_storage_is_refused(paths: StudyPaths, tmp_path: Path, order: tuple[str, str]) -> None:
    urls = {"journal": None, "sqlite": f"sqlite:///{tmp_path}/db.sqlite"}
    begin(paths, urls[order[0]])
    before = sorted(path.name for path in paths.root.iterdir())
    with pytest.raises(
        ConfigError, match=r"study\.storage must be the one that study s was begun with, but .* holds no"
    ):
        begin(paths, urls[order[1]])
    assert sorted(path.name for path in paths.root.iterdir()) == before


def test_a_storage_with_another_study_of_the_name_is_refused(paths: StudyPaths, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path}/db.sqlite"
    begin(StudyPaths(tmp_path / "elsewhere" / "s"), other)
    begin(paths, None)
    with pytest.raises(ConfigError, match=r"db\.sqlite holds another study of that name"):
        begin(paths, other)


def test_a_fresh_folder_joins(paths: StudyPaths, tmp_path: Path) -> None:
    shared = f"sqlite:///{tmp_path}/db.sqlite"
    begin(paths, shared)
    joined = StudyPaths(tmp_path / "elsewhere" / "s")
    begin(joined, shared)
    ours, theirs = load_definition(paths), load_definition(joined)
    assert ours is not None
    assert theirs is not None
    assert ours.id == theirs.id


def test_a_study_of_an_older_version_gets_an_id(paths: StudyPaths) -> None:
    begin(paths, None, old=True)
    begin(paths, None)
    definition = load_definition(paths)
    assert definition is not None
    assert definition.id
