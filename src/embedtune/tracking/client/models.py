"""The calls to MLflow about logged models and the registry. Reached through ``Gateway.models`` only."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Metric

from embedtune.errors import TrackingError
from embedtune.machine.folders import copy_folder, regular_files
from embedtune.tracking.content import ModelContent
from embedtune.tracking.mlflow_private import MODEL_VERSIONS_TAG, delete_artifacts
from embedtune.tracking.place.owner import WORKSPACE, Owner, local_path

logger = logging.getLogger(__name__)

_WEIGHTS = "embedtune.weights"
"""Tag of a checkpoint's model."""
_KEPT, _PRUNED = "kept", "pruned"

EXPORT = "embedtune.export"
"""Tag of a release's model and of its version: digest of its files."""

_TYPE = "sentence-transformers"
_TIMEOUT = "MLFLOW_HTTP_REQUEST_TIMEOUT"
_UPLOAD_START, _UPLOAD_RATE = 60, 5_000_000
"""Seconds, and bytes per second, that a server is given to store what it is sent: it answers once it has it all."""


class Models:
    """The logged models of one experiment."""

    def __init__(self, client: MlflowClient, uri: str, experiment_id: str, owner: Owner) -> None:
        self._client = client
        self._uri = uri
        self._experiment_id = experiment_id
        self._owner = owner

    def of_study(self, study: str) -> list[LoggedModel]:
        """Models of the study's checkpoints that are this workspace's, pruned ones too."""
        query = f"tags.`embedtune.kind` = 'checkpoint' AND tags.`embedtune.study` = '{study}'"
        found: list[LoggedModel] = []
        token = None
        while True:
            page = self._client.search_logged_models([self._experiment_id], query, page_token=token)
            found += (model for model in page if self._owner.is_own(model.tags))
            token = page.token
            if not token:
                return found

    def is_kept(self, model: LoggedModel) -> bool:
        """Whether a checkpoint's model is complete: READY is set last."""
        return bool(model.tags.get(_WEIGHTS) == _KEPT and model.status == LoggedModelStatus.READY)

    def is_pruned(self, model: LoggedModel) -> bool:
        """Whether a checkpoint's model lost its files."""
        return bool(model.tags.get(_WEIGHTS) == _PRUNED)

    def keep(self, content: ModelContent, model: LoggedModel | None, run: Any) -> None:
        """Add to ``model``, or to a new one, what it lacks of ``content``; ``run`` is the one it came from."""
        run_id = run.info.run_id
        if model is None:
            name = model_name(content.name)
            tags = {**content.tags, _WEIGHTS: _KEPT, WORKSPACE: self._owner.identity.id}
            model = self._client.create_logged_model(
                self._experiment_id, name, run_id, tags, dict(content.params), _TYPE
            )
        self._put(model, content.folder)
        self._client.log_batch(run_id, metrics=_metrics(content, model.model_id, run_id))
        if model.model_id not in {output.model_id for output in run.outputs.model_outputs}:
            self._client.log_outputs(run_id, [LoggedModelOutput(model.model_id, content.step)])
        if self.is_pruned(model):
            self._client.set_logged_model_tags(model.model_id, {_WEIGHTS: _KEPT})
        self._client.finalize_logged_model(model.model_id, "READY")

    def prune(self, model: LoggedModel) -> None:
        """Delete a model's files; its page stays. One that the registry refers to keeps them."""
        if self._is_registered(model):
            return
        try:
            self._delete(model)
        except TrackingError as error:  # another's files stay, and the model that has them
            logger.warning("%s", error)
            return
        if model.status == LoggedModelStatus.PENDING:  # its delivery was cut short, and nobody will go on with it
            self._client.finalize_logged_model(model.model_id, "FAILED")
        self._client.set_logged_model_tags(model.model_id, {_WEIGHTS: _PRUNED})

    def _delete(self, model: LoggedModel) -> None:
        folder = local_path(model.artifact_location)
        if folder is None:
            delete_artifacts(model.artifact_location, self._uri)
        else:
            shutil.rmtree(self._owner.file(folder), ignore_errors=True)

    def log(self, name: str, run_id: str, tags: Mapping[str, str], folder: Path) -> LoggedModel:
        """Keep a folder as a run's logged model, the one that an earlier call made or began if there is one.

        Files are hard-linked where that is possible.
        """
        model = self._begun(name, run_id, tags.get(EXPORT)) or self._client.create_logged_model(
            self._experiment_id, model_name(name), run_id, dict(tags), None, _TYPE
        )
        if model.status == LoggedModelStatus.READY:
            return model
        try:
            self._put(model, folder)
        except BaseException:
            self._client.finalize_logged_model(model.model_id, "FAILED")
            raise
        self._client.set_logged_model_tags(model.model_id, dict(tags))
        self._client.finalize_logged_model(model.model_id, "READY")
        self._client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        return model

    def _begun(self, name: str, run_id: str, export: str | None) -> LoggedModel | None:
        """A model of this name that has the same export, or whose delivery for the same run was cut short."""
        found = self._client.search_logged_models([self._experiment_id], f"name = '{model_name(name)}'")
        releases = (model for model in found if model.tags.get("embedtune.kind") == "release")
        mine = [model for model in releases if model.source_run_id == run_id]
        same = (model for model in mine if export and model.tags.get(EXPORT) == export)
        return next(same, None) or next((model for model in mine if model.status == LoggedModelStatus.PENDING), None)

    def _put(self, model: LoggedModel, folder: Path) -> None:
        target = local_path(model.artifact_location)
        if target is not None:
            shutil.rmtree(self._owner.file(target), ignore_errors=True)  # what an interrupted delivery left
            copy_folder(folder, target)
        else:
            with _time_for(folder):
                self._client.log_model_artifacts(model.model_id, str(folder))

    def _is_registered(self, model: LoggedModel) -> bool:
        if json.loads(model.tags.get(MODEL_VERSIONS_TAG) or "[]"):
            return True
        # A version made without mlflow.register_model leaves no tag on the model.
        queries = [f"run_id = '{model.source_run_id}'", f"source_path = '{model.artifact_location}'"]
        versions = [version for query in queries for version in self._client.search_model_versions(query)]
        return any(model.model_id in (version.source or "") for version in versions)


def model_name(name: str) -> str:
    """A name that MLflow takes for a logged model."""
    return "".join("-" if character in "/:.%\"'" else character for character in name)


def _metrics(content: ModelContent, model_id: str, run_id: str) -> list[Metric]:
    # They go to the run as well, which has them already: equal in key, step, time and value, they count once.
    dataset = content.dataset
    return [
        Metric(
            point.key,
            point.value,
            point.timestamp,
            point.step,
            model_id=model_id,
            dataset_name=dataset.name if dataset else None,
            dataset_digest=dataset.digest if dataset else None,
            run_id=run_id,
        )
        for point in content.points
    ]


@contextmanager
def _time_for(folder: Path) -> Iterator[None]:
    """Raise the limit of one request, which mlflow reads at each, to what an upload of the folder takes."""
    size = sum((folder / name).stat().st_size for name in regular_files(folder))
    before = os.environ.get(_TIMEOUT, "0")
    os.environ[_TIMEOUT] = str(max(int(before), _UPLOAD_START + size // _UPLOAD_RATE))
    try:
        yield
    finally:
        os.environ[_TIMEOUT] = before
