"""A store whose folder was moved, mended."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from embedtune import archive
from embedtune.config import TrackingConfig
from embedtune.errors import TrackingError
from embedtune.paths import Workspace
from embedtune.tracking import (
    NewVersion,
    Store,
    deliver_checkpoints,
    deliver_study,
    deliver_trial,
    open_store,
    register_release,
    relocate_store,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient


def folders(root: Path) -> Workspace:
    return Workspace(root / "sweeps", root / "mlruns", root / "releases")


def fill(root: Path, made: Any) -> tuple[Workspace, Store]:
    """A store with a study, a checkpoint and a release."""
    workspace = folders(root)
    store = open_store(TrackingConfig(), workspace)
    study = workspace.study("mine")
    made.study(study, [made.Spec(0)])
    weights = made.weights(study, 0)
    parent = deliver_study(store, study, archive.read_all(study))
    deliver_trial(store, study.trial(0), parent_run_id=parent)
    records = archive.read_all(study)
    deliver_checkpoints(store, study, records)
    register_release(store, weights, NewVersion("rights", "a", records[1].metrics, records[1].run_id, {}))
    return workspace, store


def seen(client: MlflowClient, run_id: str) -> tuple[set[str], set[str]]:
    """Artifacts of a run and of its models, as a new process sees them."""
    from mlflow.tracking._tracking_service.utils import _artifact_repos_cache

    _artifact_repos_cache.clear()
    outputs = client.get_run(run_id).outputs.model_outputs
    listed = [client.list_logged_model_artifacts(output.model_id) for output in outputs]
    return {item.path for item in client.list_artifacts(run_id)}, {item.path for items in listed for item in items}


def test_a_moved_store_is_mended_once_with_a_backup(tmp_path: Path, made: Any, client: MlflowClient) -> None:
    connect = type(client)
    old, _ = fill(tmp_path / "wörk one", made)
    run_id = archive.read_all(old.study("mine"))[1].run_id or ""
    before = seen(connect(f"sqlite:///{old.mlruns}/mlflow.db"), run_id)
    assert "scores.parquet" in before[0]
    assert "model.safetensors" in before[1]
    new = folders(tmp_path / "№ two's")
    (tmp_path / "wörk one").rename(tmp_path / "№ two's")
    with pytest.raises(TrackingError, match=r"mend the store where it is now: python -m embedtune relocate"):
        open_store(TrackingConfig(), new)
    uri = f"sqlite:///{new.mlruns}/mlflow.db"
    assert seen(connect(uri), run_id) == (set(), set())

    done = relocate_store(TrackingConfig(), new)
    assert (done.old, done.new) == ((old.mlruns.as_uri(),), new.mlruns.as_uri())
    assert done.changed == {
        "experiments.artifact_location": 1,
        "runs.artifact_uri": 2,
        "logged_models.artifact_location": 2,
        "model_versions.source": 1,
        "model_versions.storage_location": 1,
    }
    client = connect(uri, registry_uri=uri)
    assert seen(client, run_id) == before
    config = Path(client.download_artifacts(run_id, "config.yaml"))
    assert "learning_rate" in config.read_text(encoding="utf-8")
    version = client.get_model_version_by_alias("rights", "a")
    from mlflow.utils.file_utils import local_file_uri_to_path

    place = client.get_model_version_download_uri("rights", version.version)
    assert (Path(local_file_uri_to_path(place)) / "model.safetensors").read_bytes() == bytes(1000)
    store = open_store(TrackingConfig(), new)
    assert deliver_trial(store, new.study("mine").trial(0), parent_run_id=None) == run_id

    assert done.backup is not None
    with sqlite3.connect(done.backup) as backup:
        assert backup.execute("select count(*) from runs").fetchone() == (2,)
        (kept,) = backup.execute("select artifact_location from experiments where name = 'embedtune'").fetchone()
    backup.close()
    assert kept.startswith(old.mlruns.as_uri())
    again = relocate_store(TrackingConfig(), new)
    assert (again.old, again.changed, again.backup) == ((), {}, None)


def database(root: Path, places: dict[str, str]) -> Workspace:
    """The least that a store has, without mlflow."""
    workspace = folders(root)
    (workspace.mlruns / "artifacts" / "embedtune").mkdir(parents=True)
    with sqlite3.connect(workspace.mlruns / "mlflow.db") as made:
        made.execute("create table experiments (name text, artifact_location text, lifecycle_stage text)")
        made.execute("create table runs (artifact_uri text)")
        made.executemany("insert into experiments values (?, ?, 'active')", places.items())
        made.executemany("insert into runs values (?)", [(f"{place}/1/artifacts",) for place in places.values()])
    made.close()
    return workspace


def places(workspace: Workspace) -> list[str]:
    with sqlite3.connect(workspace.mlruns / "mlflow.db") as database:
        found = [place for (place,) in database.execute("select artifact_uri from runs order by 1")]
    database.close()
    return found


def test_a_folder_whose_name_begins_alike_is_left_alone(tmp_path: Path) -> None:
    workspace = database(
        tmp_path,
        {
            "embedtune": "file:///data/mlruns/artifacts/embedtune",
            "Default": "file:///data/mlruns-2/0",
            "s3": "s3://b/x",
        },
    )
    done = relocate_store(TrackingConfig(), workspace)
    assert done.old == ("file:///data/mlruns",)
    new = workspace.mlruns.resolve().as_uri()
    assert places(workspace) == sorted(
        ["file:///data/mlruns-2/0/1/artifacts", f"{new}/artifacts/embedtune/1/artifacts", "s3://b/x/1/artifacts"]
    )


def test_a_database_that_came_without_its_artifacts_is_left_as_it_is(tmp_path: Path) -> None:
    workspace = database(tmp_path, {"embedtune": "file:///data/mlruns/artifacts/embedtune"})
    (workspace.mlruns / "artifacts" / "embedtune").rmdir()
    with pytest.raises(TrackingError, match=r"paths\.mlruns must hold the artifacts of the experiment embedtune"):
        relocate_store(TrackingConfig(), workspace)
    assert places(workspace) == ["file:///data/mlruns/artifacts/embedtune/1/artifacts"]
    assert [path.name for path in workspace.mlruns.glob("*before*")] == []


def test_a_rewrite_that_fails_changes_nothing(tmp_path: Path) -> None:
    workspace = database(tmp_path, {"embedtune": "file:///data/mlruns/artifacts/embedtune"})
    with sqlite3.connect(workspace.mlruns / "mlflow.db") as made:
        made.execute("create trigger no before update on runs begin select raise(abort, 'refused'); end")
    made.close()
    with pytest.raises(TrackingError, match=r"must be an MLflow database that can be written.*refused"):
        relocate_store(TrackingConfig(), workspace)
    assert experiments_are_as_before(workspace)
    assert places(workspace) == ["file:///data/mlruns/artifacts/embedtune/1/artifacts"]


def experiments_are_as_before(workspace: Workspace) -> bool:
    """Whether the experiments table was rolled back too."""
    with sqlite3.connect(workspace.mlruns / "mlflow.db") as database:
        (place,) = database.execute("select artifact_location from experiments").fetchone()
    database.close()
    return place == "file:///data/mlruns/artifacts/embedtune"


@pytest.mark.parametrize("uri", ["http://anna:geheim@host", "postgresql://anna:geheim@db/x", None])
def test_only_a_sqlite_file_can_be_relocated(uri: str | None, tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=r"tracking\.uri must be a sqlite file for `relocate`, but got") as caught:
        relocate_store(TrackingConfig(uri=uri), folders(tmp_path))
    assert "geheim" not in str(caught.value)
