"""The MLflow store: where it is, opening it, and the addresses of its pages."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from filelock import FileLock

from embedtune.config import TrackingConfig
from embedtune.config.redaction import first_line, redact_text
from embedtune.errors import TrackingError
from embedtune.paths import Workspace
from embedtune.tracking.uri import artifact_folder, is_database, is_databricks, is_server, store_lock, store_uri
from embedtune.tracking.views import View, all_studies_tags, view_key

if TYPE_CHECKING:
    from embedtune.tracking.gateway import Gateway

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout belongs to the command's answer
    "MLFLOW_LOGGING_LEVEL": "WARNING",  # no word about each table it creates
    # A server that hangs costs ten seconds; with MLflow's own limits one that is down costs four minutes a call.
    # No retry: a request that timed out may still be done, and creating a run twice makes two. The next delivery looks.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
"""Set before mlflow is imported, unless the user did."""


_DATABRICKS_PATH = "/ml"

_LOCK_SECONDS = 60
"""Longer than any delivery of one folder to a store that answers."""

_MODE = "workflowType=machine_learning"
"""In an address: show runs, not the traces that a browser sees on its first visit."""

_NOTE = "[All studies]({page}), best trial first. The views of each study are in the menu at the top right."


@dataclass(frozen=True)
class Store:
    """An opened store.

    Attributes:
        uri: MLflow's tracking URI; it may hold a password, so it is not printed.
        experiment: Name of the experiment.
        experiment_id: Its id.
    """

    uri: str = field(repr=False)
    experiment: str
    experiment_id: str


@dataclass(frozen=True)
class Links:
    """Addresses in the UI.

    Attributes:
        root: Of the UI.
        experiment_id: The experiment.
        leaderboard: The trials of a study, best first; without a study, of all studies.
        curves: Metrics and loss by step.
        parameters: The searched parameters against the objective.
        dimensions: The objective at every dimension.
    """

    root: str
    experiment_id: str
    leaderboard: str
    curves: str
    parameters: str
    dimensions: str

    def run(self, run_id: str) -> str:
        """Page of a trial or of a study."""
        if self.root.endswith(_DATABRICKS_PATH):
            return f"{self.root}/experiments/{self.experiment_id}/runs/{run_id}"
        return f"{self.root}/{run_path(self.experiment_id, run_id)}"


def open_store(config: TrackingConfig, workspace: Workspace) -> Store:
    """Open the store, creating the database, the experiment and its saved view as needed.

    Call it before workers start: two processes that create one database at once break it, so a lock is held.

    Raises:
        TrackingError: The store refused, or did not answer in time.
    """
    prepare_environment()
    uri = store_uri(config, workspace)
    store = Store(uri, config.experiment, "")
    local = is_database(uri)
    artifacts = workspace.mlruns.resolve() / artifact_folder(config.experiment)
    try:
        if local:
            artifacts.mkdir(parents=True, exist_ok=True)
        workspace.mlruns.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrackingError(f"paths.mlruns must be writable, but got {workspace.mlruns} ({error}).") from error
    with connect(store, lock=store_lock(uri, workspace)) as gateway:
        experiment_id = gateway.open_experiment(config.experiment, artifacts.as_uri() if local else None)
        page = f"#/experiments/{experiment_id}/runs?{_MODE}&viewStateShareKey={view_key(View.LEADERBOARD)}"
        gateway.tag_experiment(experiment_id, all_studies_tags(), default_note=_NOTE.format(page=page))
    return Store(uri, config.experiment, experiment_id)


def peek_store(config: TrackingConfig, workspace: Workspace) -> Store | None:
    """A local sqlite store as it stands, without the seconds that mlflow takes; None where only mlflow can tell."""
    uri = store_uri(config, workspace)
    file = Path(uri.removeprefix("sqlite:///"))
    if not uri.startswith("sqlite:///") or not file.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT experiment_id FROM experiments WHERE name = ?", (config.experiment,))
            row = found.fetchone()
    except (sqlite3.Error, ValueError):
        return None
    return None if row is None else Store(uri, config.experiment, str(row[0]))


def prepare_environment() -> None:
    """Set what mlflow reads from the environment, leaving what the user set."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def links(store: Store, config: TrackingConfig, study: str | None = None) -> Links:
    """Where to look in the UI that ``ui`` serves, or in the server configured.

    Args:
        store: The opened store.
        config: Says the port.
        study: Link to the views of this study; None shows all studies.
    """
    if is_databricks(store.uri):
        return _databricks_links(store)
    server = re.sub(r"//[^/@]*@", "//", store.uri).rstrip("/") if is_server(store.uri) else None
    root = server or f"http://127.0.0.1:{config.port}"
    experiment = f"{root}/#/experiments/{store.experiment_id}"

    def view(name: View) -> str:
        # Without a study there is one view, whose charts stand in for the others.
        key = view_key(name, study) if study else view_key(View.LEADERBOARD)
        mode = "" if name is View.LEADERBOARD else "&compareRunsMode=CHART"
        return f"{experiment}/runs?{_MODE}&viewStateShareKey={quote(key)}{mode}"

    return Links(root, store.experiment_id, *(view(name) for name in View))


def _databricks_links(store: Store) -> Links:
    """A workspace has pages of its own, which know no saved views."""
    host = os.environ.get("DATABRICKS_HOST", "").strip().rstrip("/") or "https://YOUR-DATABRICKS-WORKSPACE"
    root = (host if "://" in host else f"https://{host}") + _DATABRICKS_PATH
    return Links(root, store.experiment_id, *[f"{root}/experiments/{store.experiment_id}"] * len(View))


def run_path(experiment_id: str, run_id: str) -> str:
    """Address of a run's page, relative to the root of the UI."""
    return f"#/experiments/{experiment_id}/runs/{run_id}?{_MODE}"


def one_at_a_time(folder: Path) -> FileLock:
    """Hold while the folder is delivered: two processes at once would both find no run and create one each."""
    return FileLock(folder / "tracking.lock", timeout=_LOCK_SECONDS)


@contextmanager
def connect(store: Store, lock: Path | None = None) -> Iterator[Gateway]:
    """The one way to mlflow; imports it, and turns what it raises into TrackingError. ``lock`` is held all the time."""
    prepare_environment()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    from embedtune.tracking.gateway import Gateway

    try:
        with FileLock(lock) if lock else nullcontext():
            yield Gateway(store.uri, store.experiment_id)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise TrackingError(
            f"tracking.uri must be a store that takes the record, but got {redact_text(store.uri)} "
            f"({type(error).__name__}: {first_line(error)}). Nothing is lost: deliver it later with `sync`."
        ) from error
