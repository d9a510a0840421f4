"""Which version of a registered model is in use, which one was before, and going back."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from serving import free_port, serving

from embedtune.config import TrackingConfig
from embedtune.errors import TrackingError
from embedtune.paths import Workspace
from embedtune.tracking import (
    NewVersion,
    Store,
    deliver_checkpoints,
    deliver_trial,
    find_champion,
    open_store,
    register_release,
    roll_back,
    version_tags,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

METRICS = {"8": {"cosine_map@100": 0.5}}

Register = Callable[..., str]


@pytest.fixture
def register(store: Store, tmp_path: Path) -> Register:
    """Register the same small folder again, whose weights are the version's number."""
    folder = tmp_path / "folder"
    folder.mkdir()

    def run(name: str, **options: Any) -> str:
        weights = folder / "model.safetensors"
        number = int(weights.read_bytes()) if weights.is_file() else 0
        weights.unlink(missing_ok=True)  # the registered ones are links to it
        weights.write_bytes(str(number + 1).encode())
        options = {"alias": "candidate", "metrics": METRICS, "run_id": None, "tags": {}} | options
        return register_release(store, folder, NewVersion(name, **options))

    return run


def aliases(client: MlflowClient, name: str) -> dict[str, str]:
    return {alias: str(version) for alias, version in client.get_registered_model(name).aliases.items()}


def test_the_champion_before_is_remembered(store: Store, client: MlflowClient, register: Register) -> None:
    register("kept", promote=True)
    assert aliases(client, "kept") == {"candidate": "1", "champion": "1"}
    register("kept")
    assert aliases(client, "kept") == {"candidate": "2", "champion": "1"}
    register("kept", promote=True)
    assert aliases(client, "kept") == {"candidate": "3", "champion": "3", "previous_champion": "1"}


def test_a_rollback_goes_there_and_back(store: Store, client: MlflowClient, register: Register, tmp_path: Path) -> None:
    for _ in range(2):
        register("turned", promote=True)
    there = roll_back(store, "turned")
    assert there is not None
    assert (there.champion, there.previous) == ("1", "2")
    found = find_champion(store, "turned", tmp_path / "into")
    assert found is not None
    assert (found.version, (found.folder / "model.safetensors").read_bytes()) == ("1", b"1")
    assert not (tmp_path / "into").exists()
    back = roll_back(store, "turned")
    assert back is not None
    assert aliases(client, "turned") == {"candidate": "2", "champion": "2", "previous_champion": "1"}


def test_nothing_to_go_back_to(store: Store, client: MlflowClient, register: Register, tmp_path: Path) -> None:
    assert roll_back(store, "nobody") is None
    assert find_champion(store, "nobody", tmp_path) is None
    register("young")
    assert find_champion(store, "young", tmp_path) is None
    register("young", promote=True)
    assert roll_back(store, "young") is None
    assert aliases(client, "young") == {"candidate": "2", "champion": "2"}


def test_a_deleted_champion_is_none(store: Store, client: MlflowClient, register: Register, tmp_path: Path) -> None:
    register("gone", promote=True)
    client.delete_model_version("gone", "1")
    assert find_champion(store, "gone", tmp_path) is None
    assert register("gone", promote=True) == "2"
    assert roll_back(store, "gone") is None


def test_a_champion_without_safetensors_is_refused(store: Store, client: MlflowClient, tmp_path: Path) -> None:
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    client.create_registered_model("pickled")
    client.create_model_version("pickled", (tmp_path / "pickled").as_uri())
    client.set_registered_model_alias("pickled", "champion", "1")
    with pytest.raises(TrackingError, match="champion of pickled must have safetensors weights, but got version 1"):
        find_champion(store, "pickled", tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "1_Pooling", "more"])
def test_a_champion_of_anything_but_regular_files_is_refused(
    name: str, store: Store, client: MlflowClient, tmp_path: Path
) -> None:
    (folder := tmp_path / "champion").mkdir()
    (folder / "weights.safetensors").touch()
    if name == "more":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to("/etc/passwd" if "." in name else "/etc")
    client.create_registered_model(f"odd {name}")
    client.create_model_version(f"odd {name}", folder.as_uri())
    client.set_registered_model_alias(f"odd {name}", "champion", "1")
    with pytest.raises(TrackingError, match=rf"of version 1 .*{name}: .* this is a (pipe|symbolic link)\. Restore"):
        find_champion(store, f"odd {name}", tmp_path)


def test_a_version_says_where_it_came_from(client: MlflowClient, register: Register) -> None:
    tags = version_tags(
        study="rights", trial="0003", objective="cosine_map@100", dim=8, values={"validation": 0.5, "test": 0.4567891},
        digests={"test": "c" * 64},
    )  # fmt: skip
    register("told", tags=tags, description="Promoted: better than *untuned*, see http://anna:geheim@host/x")
    version = client.get_model_version("told", "1")
    assert version.description == "Promoted: better than *untuned*, see http://***@host/x"
    assert version.tags == {
        "embedtune.study": "rights",
        "embedtune.trial": "0003",
        "embedtune.objective": "cosine_map@100",
        "embedtune.dim": "8",
        "embedtune.validation": "0.5",
        "embedtune.test": "0.45679",
        "embedtune.digest.test": "c" * 12,
    }
    run = client.get_run(version.run_id)
    assert run.data.tags["embedtune.kind"] == "release"


def test_a_release_cut_short_is_mended_by_the_next(store: Store, client: MlflowClient, register: Register) -> None:
    register("cut")
    run_id = client.get_model_version("cut", "1").run_id
    experiment = store.experiment_id
    kind = {"embedtune.kind": "release"}
    begun = client.create_logged_model(experiment, "cut", run_id, kind, {}, "sentence-transformers")
    register("cut", tags={"embedtune.trial": "0001"})
    mended = client.get_logged_model(begun.model_id)
    assert str(mended.status) == "READY"
    assert mended.tags["embedtune.trial"] == "0001"
    assert client.get_model_version("cut", "2").source == begun.artifact_location


def test_a_checkpoint_cut_short_whose_weights_went_is_not_pending(
    store: Store, workspace: Workspace, client: MlflowClient, made: Any
) -> None:
    study = workspace.study("cut-short")
    records = made.study(study, [made.Spec(0)])
    made.weights(study, 0)
    deliver_trial(store, study.trial(0), parent_run_id=None)
    deliver_checkpoints(store, study, records)
    (model,) = client.search_logged_models([store.experiment_id], "tags.`embedtune.study` = 'cut-short'")
    begun = client.create_logged_model(
        store.experiment_id, model.name, model.source_run_id, dict(model.tags), {}, "sentence-transformers"
    )
    shutil.rmtree(study.checkpoint(0))
    deliver_checkpoints(store, study, records)
    left = client.get_logged_model(begun.model_id)
    assert (str(left.status), left.tags["embedtune.weights"]) == ("FAILED", "pruned")


@pytest.mark.slow
def test_a_champion_of_a_server_is_downloaded(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "folder"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "1_Pooling" / "config.json").write_text("{}", encoding="utf-8")
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}",
        "--artifacts-destination", (tmp_path / "artifacts").as_uri(), "--serve-artifacts", "--host", "127.0.0.1",
        "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    uri = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    space = Workspace(tmp_path / "sweeps", tmp_path / "mlruns", tmp_path / "releases")
    with serving(command, f"{uri}/health", env=environment, cwd=tmp_path):
        store = open_store(TrackingConfig(uri=uri), space)
        for _ in range(2):
            register_release(store, folder, NewVersion("far", "candidate", METRICS, None, {}, promote=True))
        done = roll_back(store, "far")
        found = find_champion(store, "far", tmp_path / "into")
    assert done is not None
    assert found is not None
    assert (done.champion, found.version) == ("1", "1")
    assert found.folder.is_relative_to(tmp_path / "into")
    assert (found.folder / "model.safetensors").read_bytes() == b"weights"
    assert (found.folder / "1_Pooling" / "config.json").is_file()
