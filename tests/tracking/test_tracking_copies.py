"""A copied workspace goes on by itself, and nothing is written or deleted where a record alone leads."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from embedtune import archive
from embedtune.config import TrackingConfig
from embedtune.errors import TrackingError
from embedtune.paths import Workspace
from embedtune.tracking import Store, deliver_checkpoints, deliver_study, deliver_trial, open_store
from embedtune.tracking.place.owner import WORKSPACE, identify, local_path
from embedtune.tracking.place.sqlite import check_usable

if TYPE_CHECKING:
    from mlflow import MlflowClient

CONFIG = TrackingConfig()
Files = dict[str, bytes]


def folders(root: Path) -> Workspace:
    return Workspace(root / "sweeps", root / "mlruns", root / "releases")


def deliver(store: Store, workspace: Workspace) -> list[str]:
    """What ``sync`` does for the study ``mine``; the ids of its trials' runs."""
    study = workspace.study("mine")
    parent = deliver_study(store, study, archive.read_all(study))
    runs = [deliver_trial(store, trial, parent_run_id=parent) for trial in study.trials()]
    deliver_checkpoints(store, study, archive.read_all(study))
    return runs


def contents(root: Path) -> Files:
    """All files below but locks."""
    found = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def client_of(kind: type[MlflowClient], workspace: Workspace) -> MlflowClient:
    uri = f"sqlite:///{workspace.mlruns}/mlflow.db"
    return kind(uri, registry_uri=uri)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, made: Any) -> Workspace:
    """A study of two trials whose weights are in the store."""
    workspace = folders(tmp_path_factory.mktemp("filled"))
    study = workspace.study("mine")
    made.study(study, [made.Spec(0), made.Spec(1)])
    for number in (0, 1):
        made.weights(study, number)
    deliver(open_store(CONFIG, workspace), workspace)
    return workspace


@pytest.fixture
def original(filled: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Workspace:
    """The same for each test, itself a copy, which is much faster to make."""
    workspace = folders(Path(shutil.copytree(filled.sweeps.parent, tmp_path / "orig")))
    deliver(open_store(CONFIG, workspace), workspace)
    caplog.clear()
    return workspace


def test_a_copy_prunes_and_delivers_in_its_own_store_alone(
    original: Workspace, made: Any, client: MlflowClient, caplog: pytest.LogCaptureFixture
) -> None:
    before = contents(original.sweeps.parent)
    copy = folders(Path(shutil.copytree(original.sweeps.parent, original.sweeps.parent.with_name("copy"))).resolve())
    study = copy.study("mine")
    made.trial(study, made.Spec(2))
    made.weights(study, 2)
    shutil.rmtree(study.checkpoint(0))
    store = open_store(CONFIG, copy)
    runs = deliver(store, copy)
    assert contents(original.sweeps.parent) == before
    (told,) = [record.message for record in caplog.records]
    assert re.fullmatch(r"This workspace is a copy of .*orig.*: from now on each has .*it was: .*-before-.*db", told)
    kept = sorted(path.parent.parent.name for path in copy.mlruns.rglob("model.safetensors"))
    assert len(kept) == 2
    copied, old = client_of(type(client), copy), client_of(type(client), original)
    assert {copied.get_run(run).data.tags[WORKSPACE] for run in runs} == {store.owner.identity.id}
    assert len(old.search_runs([store.experiment_id])) == 3
    assert len(copied.search_runs([store.experiment_id])) == 4

    caplog.clear()
    assert deliver(open_store(CONFIG, copy), copy) == runs  # once and for all
    assert deliver(open_store(CONFIG, original), original) == runs[:2]
    assert not caplog.records
    assert len(list(original.mlruns.rglob("model.safetensors"))) == 2


def test_a_copy_on_a_shared_store_has_runs_and_weights_of_its_own(
    original: Workspace, client: MlflowClient, tmp_path: Path
) -> None:
    """``mlruns`` is one for both, by a link or by the key: only the id tells them apart."""
    copy = Workspace(tmp_path / "copy" / "sweeps", original.mlruns, tmp_path / "copy" / "releases")
    shutil.copytree(original.sweeps, copy.sweeps)
    before = contents(original.mlruns / "artifacts")
    shutil.rmtree(copy.study("mine").checkpoint(0))
    store = open_store(CONFIG, copy)
    theirs = [record.run_id for record in archive.read_records(original.study("mine"))]
    runs = deliver(store, copy)
    assert set(runs).isdisjoint(theirs)
    after = contents(original.mlruns / "artifacts")
    assert before.items() <= after.items()
    assert deliver(open_store(CONFIG, original), original) == theirs
    assert deliver(open_store(CONFIG, copy), copy) == runs
    found = client_of(type(client), original)
    assert len(found.search_runs([store.experiment_id])) == 6


def test_a_moved_workspace_stays_itself(tmp_path: Path) -> None:
    folders(tmp_path / "one").sweeps.mkdir(parents=True)
    before = identify(folders(tmp_path / "one"))
    (tmp_path / "one").rename(tmp_path / "two")
    after = identify(folders(tmp_path / "two"))
    assert after.identity.id == before.identity.id
    assert after.identity.place == str(tmp_path / "two" / "sweeps")
    shutil.copytree(tmp_path / "two", tmp_path / "three")
    third = identify(folders(tmp_path / "three"))
    assert third.identity.copied_from == (before.identity.id,)
    assert identify(folders(tmp_path / "three")).identity == third.identity
    assert identify(folders(tmp_path / "two")) == after


@pytest.mark.parametrize("text", ["", "[]", '{"id": 1}', "\0"])
def test_a_damaged_identity_is_made_anew(tmp_path: Path, text: str) -> None:
    space = folders(tmp_path)
    space.sweeps.mkdir()
    space.identity.write_text(text, encoding="utf-8")
    assert identify(space).identity.id == json.loads(space.identity.read_text(encoding="utf-8"))["id"]


def lead_to(workspace: Workspace, table: str, column: str, place: Path) -> None:
    """A database from elsewhere: its addresses lead to a folder of somebody."""
    with sqlite3.connect(workspace.mlruns / "mlflow.db") as database:
        database.execute(f"UPDATE {table} SET {column} = ?", (place.as_uri(),))
    database.close()


@pytest.mark.parametrize("link", [False, True])
def test_weights_are_deleted_only_below_the_workspace(
    original: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture, link: bool
) -> None:
    """By the address itself, and by a link below our own folder."""
    theirs = tmp_path / "photos"
    theirs.mkdir()
    (theirs / "one.jpg").write_text("a face", encoding="utf-8")
    place = original.artifacts / "embedtune" / "models" / "odd" if link else theirs
    if link:
        place.symlink_to(theirs.parent)
        place = place / "photos"
    lead_to(original, "logged_models", "artifact_location", place)
    shutil.rmtree(original.study("mine").checkpoints)
    deliver(open_store(CONFIG, original), original)
    assert (theirs / "one.jpg").read_text(encoding="utf-8") == "a face"
    assert "Nothing is written or deleted there." in caplog.text


def test_files_are_written_only_below_the_workspace(original: Workspace, tmp_path: Path, made: Any) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    lead_to(original, "runs", "artifact_uri", theirs)
    trial = original.study("mine").trial(0)
    trial.tracking.unlink()
    trial.log.write_text("changed\n", encoding="utf-8")
    store = open_store(CONFIG, original)
    with pytest.raises(TrackingError, match=r"paths\.mlruns must hold what the store keeps in .*theirs"):
        deliver_trial(store, trial, parent_run_id=None)
    assert list(theirs.iterdir()) == []


def test_an_experiment_of_others_is_refused_at_once(original: Workspace, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    lead_to(original, "experiments", "artifact_location", tmp_path / "theirs")
    with pytest.raises(TrackingError, match=r"If the files are yours, say where: paths\.mlruns=PATH"):
        open_store(CONFIG, original)


def test_artifacts_shared_by_a_link_are_not_taken_for_a_copy(original: Workspace, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    original.artifacts.rename(disk)
    original.artifacts.symlink_to(disk)
    deliver(open_store(CONFIG, original), original)  # our own path leads there
    copy = folders(tmp_path / "copy")
    shutil.copytree(original.sweeps.parent, tmp_path / "copy", symlinks=True)
    with pytest.raises(TrackingError, match=r"artifacts is a link to those of .* Copy the files too"):
        open_store(CONFIG, copy)


def test_mlruns_may_be_a_link_to_another_disk(tmp_path: Path, made: Any) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "work").mkdir()
    space = folders(tmp_path / "work")
    space.mlruns.symlink_to(tmp_path / "disk")
    study = space.study("mine")
    made.study(study, [made.Spec(0)])
    made.weights(study, 0)
    deliver(open_store(CONFIG, space), space)
    assert len(list((tmp_path / "disk").rglob("model.safetensors"))) == 1
    shutil.rmtree(study.checkpoint(0))
    deliver(open_store(CONFIG, space), space)
    assert list((tmp_path / "disk").rglob("model.safetensors")) == []


@pytest.mark.parametrize("name", ["p%41b", "a#b", "a?b=c", "a b", "[x]{y}", "100%", "ü"])
def test_a_path_comes_back_out_of_its_address(tmp_path: Path, name: str) -> None:
    assert local_path((tmp_path / name).as_uri()) == tmp_path / name
    assert local_path("s3://bucket/x") is None


Owns = Callable[[Path], bool]


def test_what_a_workspace_owns(tmp_path: Path) -> None:
    space = folders(tmp_path / "work")
    for folder in (space.sweeps, space.mlruns, space.releases, tmp_path / "elsewhere"):
        folder.mkdir(parents=True)
    (space.mlruns / "out").symlink_to(tmp_path / "elsewhere")
    owned = [space.mlruns / "a" / "b", space.sweeps / "x", space.releases / "new" / "README.md"]
    foreign = [
        space.mlruns, space.sweeps.parent, tmp_path, tmp_path / "elsewhere" / "a", space.mlruns / ".." / "a",
        space.mlruns / "out" / "a", tmp_path / "work" / "mlruns-2" / "a", Path("/"),
    ]  # fmt: skip
    assert [path for path in owned if not space.owns(path)] == []
    assert [path for path in foreign if space.owns(path)] == []


@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
@pytest.mark.parametrize("name", ["sweeps/.workspace.lock", "mlruns/mlflow.lock"])
def test_something_else_in_the_place_of_a_lock_is_one_clear_error(kind: str, name: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "sweeps", tmp_path / "mlruns", tmp_path / "releases")
    (lock := tmp_path / name).parent.mkdir()
    (outside := tmp_path / "outside").write_text("theirs")
    {"pipe": os.mkfifo, "folder": Path.mkdir, "link": lambda path: path.symlink_to(outside)}[kind](lock)
    with pytest.raises(TrackingError, match=rf"(a pipe|a symbolic link|Is a directory).*{lock.name}"):
        open_store(CONFIG, workspace)
    assert outside.read_text() == "theirs"


@pytest.mark.parametrize("name", ["sweeps/.workspace.json", "mlruns/mlflow.db"])
def test_a_pipe_in_the_place_of_a_file_of_the_workspace_keeps_nobody_waiting(name: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "sweeps", tmp_path / "mlruns", tmp_path / "releases")
    (tmp_path / name).parent.mkdir()
    os.mkfifo(tmp_path / name)
    if name.endswith(".json"):
        assert identify(workspace).identity.id
    else:
        with pytest.raises(TrackingError, match="it is a pipe"):
            check_usable(tmp_path / name)
