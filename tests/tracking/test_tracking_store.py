"""Opening a store, what happens when that fails, releases in the registry, and the UI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from embedtune.config import TrackingConfig
from embedtune.config.redaction import HIDDEN
from embedtune.errors import TrackingError
from embedtune.paths import Workspace
from embedtune.tracking import (
    NewVersion,
    Store,
    StoreAddress,
    check_servable,
    deliver_trial,
    links,
    open_store,
    peek_store,
    register_release,
)
from embedtune.tracking.place.uri import is_database, store_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient


def folders(root: Path) -> Workspace:
    return Workspace(root / "sweeps", root / "mlruns", root / "releases")


def test_a_store_lies_in_mlruns_wherever_the_process_stands(
    store: Store, workspace: Workspace, client: MlflowClient, workdir: Path
) -> None:
    assert store.uri == f"sqlite:///{workspace.mlruns}/mlflow.db"
    place = client.get_experiment(store.experiment_id).artifact_location
    assert place == (workspace.mlruns / "artifacts" / "embedtune").as_uri()
    assert open_store(TrackingConfig(), workspace) == store
    assert not list(workdir.iterdir())


def test_the_process_wide_settings_of_mlflow_stay(store: Store, workspace: Workspace) -> None:
    import mlflow

    open_store(TrackingConfig(), workspace)
    assert mlflow.get_tracking_uri() != store.uri
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"


def test_a_note_that_people_wrote_stays(store: Store, workspace: Workspace, client: MlflowClient) -> None:
    tags = client.get_experiment(store.experiment_id).tags
    assert "viewStateShareKey=embedtune-leaderboard" in tags["mlflow.note.content"]
    client.set_experiment_tag(store.experiment_id, "mlflow.note.content", "ours")
    open_store(TrackingConfig(), workspace)
    assert client.get_experiment(store.experiment_id).tags["mlflow.note.content"] == "ours"


def test_a_deleted_experiment_is_an_error(store: Store, workspace: Workspace, client: MlflowClient) -> None:
    other = open_store(TrackingConfig(experiment="gone"), workspace)
    client.delete_experiment(other.experiment_id)
    with pytest.raises(TrackingError, match=r"tracking\.experiment must not be a deleted one, but got gone\."):
        open_store(TrackingConfig(experiment="gone"), workspace)


def test_a_moved_store_is_an_error_and_not_an_empty_list(store: Store, workspace: Workspace, tmp_path: Path) -> None:
    open_store(TrackingConfig(experiment="moving"), workspace)
    moved = folders(tmp_path)
    moved.mlruns.mkdir()
    shutil.copy(workspace.mlruns / "mlflow.db", moved.mlruns)
    (workspace.mlruns / "artifacts" / "moving").rmdir()
    with pytest.raises(
        TrackingError,
        match=r"paths\.mlruns must stay where it was made, but file://.*moving is gone.*embedtune relocate",
    ):
        open_store(TrackingConfig(experiment="moving"), moved)


def test_a_server_that_is_down_fails_soon_without_its_password(tmp_path: Path) -> None:
    config = TrackingConfig(uri="http://anna:geheim@127.0.0.1:9")
    start = time.monotonic()
    with pytest.raises(TrackingError, match=r"tracking\.uri must be a store that takes the record") as caught:
        open_store(config, folders(tmp_path))
    assert time.monotonic() - start < 30
    assert f"http://{HIDDEN}@127.0.0.1:9" in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    "uri", ["databricks", "databricks://profile", "databricks-uc", "http://host:5000", "plugin://x"]
)
def test_an_address_of_another_kind_passes_through(uri: str, tmp_path: Path) -> None:
    assert store_uri(TrackingConfig(uri=uri), folders(tmp_path)) == uri
    assert not is_database(uri)
    with pytest.raises(TrackingError, match=r"tracking\.uri must be a database for `ui`"):
        check_servable(TrackingConfig(uri=uri), folders(tmp_path))


@pytest.mark.parametrize("uri", ["sqlite:////x/mlflow.db", "postgresql+psycopg2://a@b/c", "mysql+pymysql://a@b/c"])
def test_a_database_is_written_by_this_process(uri: str) -> None:
    assert is_database(uri)


def test_a_database_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mlflow.db").write_text("this is no database, " * 100)
    with pytest.raises(TrackingError, match=r"tracking\.uri must be .*not a database"):
        open_store(TrackingConfig(), folders(tmp_path))


def test_a_trial_survives_a_store_that_is_gone(store: Store, workspace: Workspace, made: Any) -> None:
    study = workspace.study("gone")
    made.trial(study, made.Spec(0))
    lost = replace(store, uri="sqlite:////nowhere/mlflow.db", file=Path("/nowhere/mlflow.db"))
    with pytest.raises(TrackingError, match=r"tracking\.uri must be"):
        deliver_trial(lost, study.trial(0), parent_run_id=None)
    assert not study.trial(0).tracking.exists()
    assert deliver_trial(store, study.trial(0), parent_run_id=None)


def test_mlruns_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mlruns").write_text("")
    with pytest.raises(TrackingError, match=r"paths\.mlruns must be writable, but got"):
        open_store(TrackingConfig(), folders(tmp_path))


@pytest.mark.slow
def test_two_processes_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from embedtune.config import TrackingConfig; "
        "from embedtune.paths import Workspace; from embedtune.tracking import open_store; root = Path(sys.argv[1]); "
        "print(open_store(TrackingConfig(), Workspace(root, root / 'mlruns', root)).experiment_id)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {process.communicate(timeout=300)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(answers) == 1


def test_importing_tracking_costs_no_mlflow() -> None:
    code = "import sys, embedtune.tracking; sys.exit('mlflow' in sys.modules or 'sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_store_does_not_show_its_address() -> None:
    assert "geheim" not in repr(StoreAddress("http://anna:geheim@host", "embedtune", "1"))


def test_links_of_a_server_lead_to_it_without_its_password() -> None:
    found = links(StoreAddress("https://anna:geheim@host/mlflow/", "embedtune", "3"), TrackingConfig(port=1))
    assert found.root == "https://host/mlflow"
    assert found.run("abc") == "https://host/mlflow/#/experiments/3/runs/abc?workflowType=machine_learning"


@pytest.mark.parametrize("host", ["https://team.cloud.databricks.com/", "team.cloud.databricks.com"])
@pytest.mark.parametrize("uri", ["databricks", "databricks://work"])
def test_links_of_databricks_lead_to_the_workspace(monkeypatch: pytest.MonkeyPatch, uri: str, host: str) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", host)
    found = links(StoreAddress(uri, "/Shared/embedtune", "3"), TrackingConfig(), "mine")
    assert found.leaderboard == found.curves == "https://team.cloud.databricks.com/ml/experiments/3"
    assert found.run("abc") == "https://team.cloud.databricks.com/ml/experiments/3/runs/abc"


def test_links_of_a_databricks_workspace_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_HOST", raising=False)
    found = links(StoreAddress("databricks", "/Shared/embedtune", "3"), TrackingConfig())
    assert found.leaderboard == "https://YOUR-DATABRICKS-WORKSPACE/ml/experiments/3"


def release_folder(root: Path) -> Path:
    (root / "1_Pooling").mkdir(parents=True)
    (root / "model.safetensors").write_bytes(b"\0" * 100)
    (root / "1_Pooling" / "config.json").write_text("{}")
    return root


def test_a_release_becomes_a_version_with_alias_tags_and_metrics(
    store: Store, workspace: Workspace, client: MlflowClient, made: Any, workdir: Path
) -> None:
    study = workspace.study("released")
    record = made.trial(study, made.Spec(0))
    run_id = deliver_trial(store, study.trial(0), parent_run_id=None)
    folder = release_folder(workspace.releases / "ü rights")
    tags = {"trial": "0000", "source": "http://anna:geheim@host"}
    for expected in ("1", "2"):
        version = register_release(store, folder, NewVersion("rights", "candidate", record.metrics, run_id, tags))
        assert version == expected
    found = client.get_model_version_by_alias("rights", "candidate")
    assert (str(found.version), found.run_id) == ("2", run_id)
    assert found.tags == {"trial": "0000", "source": f"http://{HIDDEN}@host"}
    models = [client.get_logged_model(output.model_id) for output in client.get_run(run_id).outputs.model_outputs]
    model = next(model for model in models if model.artifact_location == found.source)
    assert model.tags["mlflow.modelVersions"] == '[{"name": "rights", "version": 2}]'
    metrics = {metric.key: metric.value for metric in model.metrics}
    assert metrics["release/map_at_100_dim0384"] == round(record.value, 5)
    assert len(metrics) == 25
    assert len(models) == 2
    weights = folder / "model.safetensors"
    kept = [copy for copy in workspace.mlruns.rglob("model.safetensors") if os.path.samefile(weights, copy)]
    assert len(kept) == 2
    assert not list(workdir.iterdir())
    assert (kept[0].parent / "1_Pooling" / "config.json").read_text() == "{}"


def test_a_release_without_a_run_gets_one(
    store: Store, client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    folder = release_folder(tmp_path / "folder")
    metrics = {"8": {"cosine_map@100": 0.5}}
    assert register_release(store, folder, NewVersion("alone", "a", metrics, None, {})) == "1"
    found = client.get_model_version_by_alias("alone", "a")
    run = client.get_run(found.run_id)
    assert run.data.tags["embedtune.kind"] == "release"
    assert run.data.metrics == {"release/map_at_100_dim0008": 0.5}
    model = client.get_logged_model(run.outputs.model_outputs[0].model_id)
    files = {item.path for item in client.list_logged_model_artifacts(model.model_id)}
    assert files == {"model.safetensors", "1_Pooling"}
    assert (folder / "model.safetensors").stat().st_nlink == 1


def test_peek_store_finds_what_open_store_made(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "sweeps", tmp_path / "mlruns", tmp_path / "releases")
    config = TrackingConfig(experiment="mine")
    assert peek_store(config, space) is None
    assert peek_store(replace(config, uri="http://127.0.0.1:9"), space) is None
    opened = open_store(config, space)
    assert peek_store(config, space) == StoreAddress(opened.uri, opened.experiment, opened.experiment_id)
    assert peek_store(replace(config, experiment="another"), space) is None
