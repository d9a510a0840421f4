"""Kept checkpoints as logged models of a real sqlite store."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from embedtune import archive
from embedtune.paths import StudyPaths, Workspace, write_json
from embedtune.records import State, TrialRecord
from embedtune.tracking import Store, deliver_checkpoints, deliver_study, deliver_trial

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel


def deliver(store: Store, study: StudyPaths) -> list[TrialRecord]:
    """All of a study, as the end of a trial does."""
    parent = deliver_study(store, study, archive.read_all(study))
    for record in archive.read_all(study):
        deliver_trial(store, study.trial(record.number), parent_run_id=parent)
    records = archive.read_all(study)
    deliver_checkpoints(store, study, records)
    return records


def models(client: MlflowClient, store: Store, study: StudyPaths) -> dict[str, LoggedModel]:
    where = f"tags.`embedtune.kind` = 'checkpoint' AND tags.`embedtune.study` = '{study.name}'"
    found = client.search_logged_models([store.experiment_id], where)
    by_trial = {model.tags["embedtune.trial"]: model for model in found}
    assert len(by_trial) == len(found)
    return by_trial


def place(model: LoggedModel) -> Path:
    from mlflow.utils.file_utils import local_file_uri_to_path

    return Path(local_file_uri_to_path(model.artifact_location))


def rows(store: Store) -> dict[str, Sequence[Any]]:
    """All that the database holds, but for when a row was last touched."""
    tables = ("runs", "metrics", "latest_metrics", "tags", "inputs", "logged_models", "logged_model_metrics")
    tables += ("logged_model_tags", "logged_model_params", "experiment_tags")
    with sqlite3.connect(store.uri.removeprefix("sqlite:///")) as database:
        held = {table: sorted(map(str, database.execute(f"select * from {table}"))) for table in tables}
    database.close()
    return held


def disk_use(*folders: Path) -> int:
    """Bytes of files, each inode once, as du counts."""
    files = [path.stat() for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sum({file.st_ino: file.st_size for file in files}.values())


def test_a_checkpoint_becomes_a_model_with_its_metrics_and_dataset(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    made.study(study, [made.Spec(0, epochs=5), made.Spec(1, learning_rate=1e-4)])
    made.weights(study, 0)
    record = deliver(store, study)[1]
    model = models(client, store, study)["0000"]
    assert (model.name, str(model.status), model.source_run_id) == (f"{study.name}-0000", "READY", record.run_id)
    assert model.tags["embedtune.weights"] == "kept"
    assert (model.params["train.learning_rate"], model.params["base_model"]) == ("5e-05", "minilm")
    metrics = {metric.key: metric for metric in model.metrics}
    assert metrics["best/map_at_100"].value == round(record.value or 0, 5)
    assert {metric.step for metric in model.metrics} == {record.best_step}
    assert {metric.dataset_name for metric in model.metrics} == {"rights-validation"}
    assert {metric.run_id for metric in model.metrics} == {record.run_id}
    assert len([key for key in metrics if key.startswith("dim")]) == 25
    run = client.get_run(record.run_id)
    assert [(output.model_id, output.step) for output in run.outputs.model_outputs] == [
        (model.model_id, record.best_step)
    ]
    for key, metric in metrics.items():
        points = [point for point in client.get_metric_history(record.run_id, key) if point.step == metric.step]
        assert [point.value for point in points] == [metric.value]
    files = {item.path for item in client.list_logged_model_artifacts(model.model_id)}
    assert files == {"model.safetensors", "modules.json", "1_Pooling"}
    best = client.search_logged_models([store.experiment_id], order_by=[{"field_name": "metrics.best/map_at_100"}])
    assert model.model_id in {found.model_id for found in best}


def test_weights_are_on_disk_once(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any, workspace: Workspace
) -> None:
    made.study(study, [made.Spec(0), made.Spec(1)])
    folders = [made.weights(study, number, size=1_000_000) for number in (0, 1)]
    before = disk_use(workspace.mlruns / "artifacts", study.root)
    deliver(store, study)
    assert disk_use(workspace.mlruns / "artifacts", study.root) - before < 100_000
    for number, folder in enumerate(folders):
        copy = place(models(client, store, study)[f"{number:04d}"]) / "model.safetensors"
        assert os.path.samefile(copy, folder / "model.safetensors")
        assert copy.stat().st_nlink == 2


def test_delivering_checkpoints_twice_changes_nothing(store: Store, study: StudyPaths, made: Any) -> None:
    made.study(study, made.specs)
    for number in (0, 1, 3):
        made.weights(study, number)
    deliver(store, study)
    deliver(store, study)  # the first time, the study's table had no runs to link to
    before = rows(store)
    deliver(store, study)
    assert rows(store) == before


def test_a_trial_that_dropped_out_keeps_its_page_but_not_its_weights(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    made.study(study, [made.Spec(0), made.Spec(1)])
    lost = made.weights(study, 0)
    made.weights(study, 1)
    deliver(store, study)
    shutil.rmtree(lost)
    deliver(store, study)
    found = models(client, store, study)
    assert {trial: model.tags["embedtune.weights"] for trial, model in found.items()} == {
        "0000": "pruned",
        "0001": "kept",
    }
    assert not place(found["0000"]).exists()
    assert client.list_logged_model_artifacts(found["0000"].model_id) == []
    assert len(found["0000"].metrics) > 25
    before = rows(store)
    deliver(store, study)
    assert rows(store) == before
    made.weights(study, 0)
    deliver(store, study)
    assert (place(models(client, store, study)["0000"]) / "model.safetensors").is_file()


@pytest.mark.parametrize("by", ["source", "tag"])
def test_what_the_registry_refers_to_is_never_pruned(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any, by: str
) -> None:
    made.study(study, [made.Spec(0)])
    weights = made.weights(study, 0)
    deliver(store, study)
    model = models(client, store, study)["0000"]
    client.create_registered_model(study.name)
    if by == "source":
        client.create_model_version(study.name, model.artifact_location)
    else:
        client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": '[{"name": "x", "version": 1}]'})
    shutil.rmtree(weights)
    deliver(store, study)
    assert models(client, store, study)["0000"].tags["embedtune.weights"] == "kept"
    assert (place(model) / "model.safetensors").is_file()


def test_other_weights_under_the_same_number_get_a_model_of_their_own(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    made.study(study, [made.Spec(0)])
    made.weights(study, 0)
    record = deliver(store, study)[1]
    first = models(client, store, study)["0000"]
    write_json(study.trial(0).result, replace(record, best_step=48, best_epoch=2.0, run_id=None).to_dict())
    deliver(store, study)
    where = f"tags.`embedtune.uid` = '{study.name}/0000'"
    found = {model.model_id: model for model in client.search_logged_models([store.experiment_id], where)}
    assert len(found) == 2
    old = found.pop(first.model_id)
    assert old.tags["embedtune.weights"] == "pruned"
    assert not place(old).exists()
    (new,) = found.values()
    assert {metric.step for metric in new.metrics} == {48}
    assert (place(new) / "model.safetensors").is_file()


def test_an_interrupted_delivery_goes_on_in_the_same_model(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.study(study, [made.Spec(0)])
    made.weights(study, 0)
    from mlflow import MlflowClient as Client

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Client, "finalize_logged_model", die)
        with pytest.raises(KeyboardInterrupt):
            deliver(store, study)
    first = models(client, store, study)["0000"]
    assert str(first.status) == "PENDING"
    record = deliver(store, study)[1]
    model = models(client, store, study)["0000"]
    assert (model.model_id, str(model.status)) == (first.model_id, "READY")
    assert len(client.get_run(record.run_id).outputs.model_outputs) == 1
    assert len({metric.key for metric in model.metrics}) == len(model.metrics)


def test_weights_that_vanish_while_they_are_linked_are_no_failure(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.study(study, [made.Spec(0)])
    weights = made.weights(study, 0)

    def vanish(*_: object, **__: object) -> None:
        shutil.rmtree(weights, ignore_errors=True)
        raise FileNotFoundError(weights)

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", vanish)
        deliver(store, study)
    deliver(store, study)
    model = models(client, store, study)["0000"]
    assert model.tags["embedtune.weights"] == "pruned"
    assert not place(model).exists()


def test_without_hard_links_weights_are_copied(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    made.study(study, [made.Spec(0)])
    made.weights(study, 0)
    deliver(store, study)
    copy = place(models(client, store, study)["0000"]) / "model.safetensors"
    assert copy.stat().st_nlink == 1
    assert copy.read_bytes() == bytes(1000)


def test_running_trials_and_trials_without_a_run_wait(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    records = made.study(study, [made.Spec(0), made.Spec(1, State.RUNNING, made=1)])
    for number in (0, 1):
        made.weights(study, number)
    deliver_checkpoints(store, study, records)
    assert models(client, store, study) == {}


def test_a_study_with_a_dot_in_its_name_gets_models_too(
    store: Store, workspace: Workspace, client: MlflowClient, made: Any
) -> None:
    study = workspace.study("v1.2_x")
    made.study(study, [made.Spec(0)])
    made.weights(study, 0)
    deliver(store, study)
    assert models(client, store, study)["0000"].name == "v1-2_x-0000"
