"""The calls to MLflow, and nothing else. Imported through :func:`embedtune.tracking.store.connect` only."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LifecycleStage,
    Metric,
    Param,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException

from embedtune.errors import TrackingError
from embedtune.tracking.client.models import Models
from embedtune.tracking.client.versions import Versions
from embedtune.tracking.content import DatasetUse, Point, RunContent
from embedtune.tracking.labels import MAX_DIGEST
from embedtune.tracking.place.owner import WORKSPACE, Owner, local_path

UID = "embedtune.uid"
NOTE = "mlflow.note.content"
FILES = "embedtune.files"
"""Tag: digest of the artifacts that the run has, set once all of them are there."""

_BATCH = 100
"""Params or tags that MLflow takes at once."""
_COPIES = 100
"""Runs of one uid that are looked at, one for each workspace."""
_METRICS_BATCH = 800
"""Metrics sent at once: with params and tags MLflow takes 1000."""


class Gateway:
    """One experiment of one store. All but the registration of a model may be done twice without a trace."""

    def __init__(self, uri: str, experiment_id: str, owner: Owner) -> None:
        # Both explicit, so that mlflow's process-wide settings stay as they are.
        self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self._experiment_id = experiment_id
        self._owner = owner
        self.models = Models(self._client, uri, experiment_id, owner)
        self.versions = Versions(self._client, uri)

    def open_experiment(self, name: str, artifact_location: str | None) -> str:
        """The id of the experiment, which is created if there is none.

        Raises:
            TrackingError: It was deleted, or its files were moved away or are of another workspace.
        """
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            try:
                return str(self._client.create_experiment(name, artifact_location=artifact_location))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                experiment = self._client.get_experiment_by_name(name)  # another host was faster
        if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
            raise TrackingError(
                f"tracking.experiment must not be a deleted one, but got {name}. Take another name, or restore it: "
                f"mlflow experiments restore --experiment-id {experiment.experiment_id}"
            )
        _check_place(experiment.artifact_location, self._owner)
        return str(experiment.experiment_id)

    def tag_experiment(self, experiment_id: str, tags: Mapping[str, str], *, default_note: str | None = None) -> None:
        """Set the tags that differ; the note only if there is none, because people write there."""
        present = self._client.get_experiment(experiment_id).tags
        wanted = dict(tags)
        if default_note is not None and NOTE not in present:
            wanted[NOTE] = default_note
        for key, value in wanted.items():
            if present.get(key) != value:
                self._client.set_experiment_tag(experiment_id, key, value)

    def find(self, uid: str, run_id: str | None = None) -> Any | None:
        """The run of a uid, None if there is none; ``run_id`` is tried first, which is faster.

        Of several the one that this workspace made; never one of the workspace that it is a copy of.
        """
        if run_id is not None:
            run = self._get(run_id)
            if run is not None and run.data.tags.get(UID) == uid and self._owner.is_own(run.data.tags):
                return run
        query = f"tags.`{UID}` = '{uid}'"
        runs = self._client.search_runs([self._experiment_id], query, ViewType.ACTIVE_ONLY, max_results=_COPIES)
        fitting = [(rank, run) for run in runs if (rank := self._owner.preference(run.data.tags)) is not None]
        return min(fitting, key=lambda pair: pair[0])[1] if fitting else None

    def own_run(self, run_id: str | None) -> str | None:
        """The id of a run, if it is there and not of the workspace that this one is a copy of."""
        run = self._get(run_id) if run_id is not None else None
        return run_id if run is not None and self._owner.preference(run.data.tags) is not None else None

    def discard(self, run: Any) -> None:
        """Put a run into MLflow's trash: no page shows it, and the next one of its uid is a new one."""
        self._client.delete_run(run.info.run_id)

    def deliver(self, content: RunContent, run: Any | None) -> str:
        """Add to ``run``, or to a new one, what it lacks of ``content``; return its id."""
        run = run or self._create(content)
        run_id = str(run.info.run_id)
        # A param never changes, and MLflow refuses to: what is there stays.
        params = [Param(key, value) for key, value in content.params.items() if key not in run.data.params]
        wanted = {WORKSPACE: run.data.tags.get(WORKSPACE, self._owner.identity.id), **content.tags}
        tags = [RunTag(key, value) for key, value in wanted.items() if run.data.tags.get(key) != value]
        metrics = [Metric(point.key, point.value, point.timestamp, point.step) for point in content.points]
        parts = (_batches(metrics, _METRICS_BATCH), _batches(params, _BATCH), _batches(tags, _BATCH))
        none: list[Any] = []
        for metric_batch, param_batch, tag_batch in zip_longest(*parts, fillvalue=none):
            self._client.log_batch(run_id, metric_batch, param_batch, tag_batch)
        if content.datasets and not run.inputs.dataset_inputs:
            self._client.log_inputs(run_id, datasets=[_dataset_input(use) for use in content.datasets])
        self._log_artifacts(run, content.artifacts)
        self._set_status(run, content)
        return run_id

    def tag(self, run: Any, tags: Mapping[str, str]) -> None:
        """Set the tags of a run that differ."""
        for key, value in tags.items():
            if run.data.tags.get(key) != value:
                self._client.set_tag(run.info.run_id, key, value)

    def log_points(self, run_id: str, points: Sequence[Point], model_id: str) -> None:
        """Log metrics of a run and of a logged model."""
        metrics = [
            Metric(point.key, point.value, point.timestamp, point.step, model_id=model_id, run_id=run_id)
            for point in points
        ]
        self._client.log_batch(run_id, metrics=metrics)

    def missing(self, run: Any | None, points: Sequence[Point]) -> tuple[Point, ...]:
        """Those of ``points`` that the run does not have at their steps yet."""
        if run is None:
            return tuple(points)
        keys = {point.key for point in points} & run.data.metrics.keys()
        known = {(key, at.step) for key in keys for at in self._client.get_metric_history(run.info.run_id, key)}
        return tuple(point for point in points if (point.key, point.step) not in known)

    def _get(self, run_id: str) -> Any | None:
        try:
            run = self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        active = run.info.lifecycle_stage == LifecycleStage.ACTIVE and run.info.experiment_id == self._experiment_id
        return run if active else None

    def _create(self, content: RunContent) -> Any:
        tags = {UID: content.uid, WORKSPACE: self._owner.identity.id, **content.tags}
        return self._client.create_run(self._experiment_id, content.started or None, tags, content.name)

    def _log_artifacts(self, run: Any, artifacts: Mapping[str, str | Path]) -> None:
        if not artifacts or run.data.tags.get(FILES) == (digest := _digest(artifacts)):
            return
        run_id, folder = run.info.run_id, local_path(run.info.artifact_uri)
        for place, artifact in artifacts.items():
            if folder is not None:  # as mlflow does it, which asks the database before each file
                _copy(artifact, self._owner.file(folder / place))
            elif isinstance(artifact, Path):
                self._client.log_artifact(run_id, str(artifact), os.path.dirname(place) or None)
            else:
                self._client.log_text(run_id, artifact, place)
        self._client.set_tag(run_id, FILES, digest)

    def _set_status(self, run: Any, content: RunContent) -> None:
        run_id, info = run.info.run_id, run.info
        if content.status == "RUNNING":
            if info.status != "RUNNING":
                self._client.update_run(run_id, status="RUNNING")
        elif (info.status, info.end_time) != (content.status, content.ended):
            self._client.set_terminated(run_id, content.status, content.ended)


def _digest(artifacts: Mapping[str, str | Path]) -> str:
    """Twelve hexadecimal digits of the sha256 of places and contents."""
    whole = hashlib.sha256()
    for place, artifact in sorted(artifacts.items()):
        content = artifact.read_bytes() if isinstance(artifact, Path) else artifact.encode()
        whole.update(f"{place}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()[:MAX_DIGEST]


def _copy(artifact: str | Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(artifact.read_bytes() if isinstance(artifact, Path) else artifact.encode())


def _dataset_input(use: DatasetUse) -> Any:
    dataset = Dataset(use.name, use.digest, "local", json.dumps({"uri": use.source}))
    return DatasetInput(dataset, [InputTag("mlflow.data.context", use.context)])


def _check_place(artifact_location: str, owner: Owner) -> None:
    """MLflow keeps absolute paths, and lists nothing, without an error, once the folder was moved."""
    folder = local_path(artifact_location)
    if folder is None:
        return
    if not folder.is_dir():
        raise TrackingError(
            f"paths.mlruns must stay where it was made, but {artifact_location} is gone. "
            "Move it back, or mend the store where it is now: python -m embedtune relocate"
        )
    owner.file(folder)


def _batches(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
