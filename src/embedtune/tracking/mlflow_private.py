"""Uses of MLflow beyond its documented interface, each with its reason.

``tests/test_private_api.py`` probes every name. Importing this imports no mlflow.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import uuid
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

VIEW_TAG = "mlflow.sharedViewState."
"""Experiment tag that holds a saved view; no call of the client makes one."""

VIEWS_TESTED = ("3.17", "3.18")
"""Versions whose page showed our saved views to a browser (``pytest -m browser``): the format is MLflow's own."""

MODEL_VERSIONS_TAG = "mlflow.modelVersions"
"""Tag of a logged model, read by its page; ``mlflow.register_model`` sets it for the process-wide store only."""

LOGGED_ARTIFACTS_TAG = "mlflow.loggedArtifacts"
"""Tag of a run that makes its page show a JSON file as a table; ``log_table`` sets it, but rewrites the file."""

PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("trace_tags", "value"),  # mlflow.artifactLocation
)
"""Tables and columns with addresses of artifacts, which no call of the client can change."""

TAGS = (("tags", "key", "value"), ("logged_model_tags", "tag_key", "tag_value"))
"""Tables of tags of runs and of logged models, with the columns of names and of values."""


@cache
def shows_views() -> bool:
    """Whether saved views are written for the MLflow that is installed; says so once if not."""
    installed = version("mlflow")
    known = ".".join(installed.split(".")[:2]) in VIEWS_TESTED
    if not known:
        tested = " and ".join(VIEWS_TESTED)
        logger.info("No saved views in the UI: they are tested with MLflow %s, not %s.", tested, installed)
    return known


def experiment_id(database: sqlite3.Connection, name: str) -> str | None:
    """The id of an experiment; None if there is none of this name."""
    row = database.execute("SELECT experiment_id FROM experiments WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def delete_artifacts(place: str, tracking_uri: str) -> None:
    """Delete all files at an artifact URI; the client only marks a logged model as deleted and keeps its files."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    get_artifact_repository(place, tracking_uri=tracking_uri).delete_artifacts()


def server_environment(uri: str, artifacts: Path) -> Mapping[str, str]:
    """The environment that ``mlflow ui`` gives its server process; without job workers, which take eight more."""
    return {
        "_MLFLOW_SERVER_FILE_STORE": uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": SERVED_ARTIFACTS,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": artifacts.as_uri(),
        "_MLFLOW_SERVER_BOOT_ID": uuid.uuid4().hex,
        "_MLFLOW_SGI_NAME": "uvicorn",
        "_MLFLOW_IN_JOB_EXECUTOR": "false",
        "MLFLOW_ENABLE_WORKSPACES": "false",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


SERVED_ARTIFACTS = "mlflow-artifacts:/"
"""MLflow's scheme for artifacts that the server itself serves."""


def server_application(uri: str, artifacts: Path) -> Any:
    """MLflow's web application on a store, in this process: ``mlflow ui`` starts another that imports all of it twice.

    Raises:
        MlflowException: It does not know the store's tables.
        SQLAlchemyError: The store cannot be read.
    """
    os.environ.update(server_environment(uri, artifacts))
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(uri, uri, SERVED_ARTIFACTS)
    return app
