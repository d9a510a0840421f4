"""The calls to MLflow about versions of registered models. Reached through ``Gateway.versions`` only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from mlflow import MlflowClient, artifacts
from mlflow.entities import LoggedModel
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from embedtune.tracking.client.models import EXPORT
from embedtune.tracking.mlflow_private import MODEL_VERSIONS_TAG
from embedtune.tracking.place.owner import local_path
from embedtune.tracking.place.uri import is_database

_LOGGED = "models:/"
"""The prefix of the source of a version that was made from a logged model on a server."""


class Versions:
    """The registry of one store."""

    def __init__(self, client: MlflowClient, uri: str) -> None:
        self._client = client
        self._uri = uri

    def register(self, name: str, model: LoggedModel, tags: Mapping[str, str], description: str) -> str:
        """Make a logged model the next version of a registered one, unless it is one; return the version."""
        try:
            self._client.create_registered_model(name, tags={"embedtune.kind": "release"})
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        # A database resolves models:/ with mlflow's process-wide store, which need not be this one; a server takes
        # nothing else.
        source = model.artifact_location if is_database(self._uri) else f"{_LOGGED}{model.model_id}"
        version = self._of_export(name, tags.get(EXPORT)) or self._client.create_model_version(
            name, source, model.source_run_id, dict(tags), description=description, model_id=model.model_id
        )
        # mlflow.register_model does this too, but only for the process-wide store; the model's page reads it.
        versions = json.dumps([{"name": name, "version": version.version}])
        self._client.set_logged_model_tags(model.model_id, {MODEL_VERSIONS_TAG: versions})
        return str(version.version)

    def touch(self, name: str) -> bool:
        """Write to a registered model what it has already; False if there is none of this name."""
        try:
            self._client.set_registered_model_tag(name, "embedtune.kind", "release")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        return True

    def _of_export(self, name: str, export: str | None) -> ModelVersion | None:
        """The version that has these files already; both are plain words, which need no quoting."""
        if export is None:
            return None
        found = self._client.search_model_versions(f"name = '{name}' AND tags.`{EXPORT}` = '{export}'")
        return next(iter(found), None)

    def find(self, name: str, alias: str) -> ModelVersion | None:
        """The version that an alias of a registered model points at; None without one."""
        try:
            return self._client.get_model_version_by_alias(name, alias)
        except MlflowException as error:
            # Of a registered model, an alias that is not there is an invalid parameter to mlflow.
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    def point(self, name: str, alias: str, version: str) -> None:
        """Move an alias of a registered model to a version."""
        self._client.set_registered_model_alias(name, alias, version)

    def fetch(self, version: ModelVersion, into: Path) -> Path:
        """The files of a version in a local folder: where the store keeps them, or downloaded to ``into``."""
        place = version.source
        if place.startswith(_LOGGED):
            place = self._client.get_logged_model(place.removeprefix(_LOGGED)).artifact_location
        folder = local_path(place)
        if folder is not None:
            return folder
        into.mkdir(parents=True, exist_ok=True)
        return Path(artifacts.download_artifacts(artifact_uri=place, dst_path=str(into), tracking_uri=self._uri))
