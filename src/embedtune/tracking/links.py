"""Addresses of pages in MLflow's UI. Pure."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import quote

from embedtune.config import TrackingConfig
from embedtune.config.redaction import HIDDEN, redact_url
from embedtune.tracking.mlflow_private import shows_views
from embedtune.tracking.place.uri import is_databricks, is_server
from embedtune.tracking.views import View, view_key

_DATABRICKS_PATH = "/ml"

_MODE = "workflowType=machine_learning"
"""In an address: show runs, not the traces that a browser sees on its first visit."""

ALL_STUDIES = f"#/experiments/{{}}/runs?{_MODE}&viewStateShareKey={view_key(View.LEADERBOARD)}"
"""Address of the trials of all studies in an experiment, relative to the root of the UI."""


@dataclass(frozen=True)
class StoreAddress:
    """An experiment of a store.

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


def links(store: StoreAddress, config: TrackingConfig, study: str | None = None) -> Links:
    """Where to look in the UI that ``ui`` serves, or in the server configured.

    Args:
        store: Its address.
        config: Says the port.
        study: Link to the views of this study; None shows all studies.
    """
    if is_databricks(store.uri):
        return _databricks_links(store)
    server = _server(store.uri) if is_server(store.uri) else None
    root = server or f"http://127.0.0.1:{config.port}"
    experiment = f"{root}/#/experiments/{store.experiment_id}"

    def view(name: View) -> str:
        if not shows_views():
            return f"{experiment}/runs?{_MODE}"
        # Without a study there is one view, whose charts stand in for the others.
        key = view_key(name, study) if study else view_key(View.LEADERBOARD)
        mode = "" if name is View.LEADERBOARD else "&compareRunsMode=CHART"
        return f"{experiment}/runs?{_MODE}&viewStateShareKey={quote(key)}{mode}"

    return Links(root, store.experiment_id, *(view(name) for name in View))


def _server(uri: str) -> str:
    """Its address as a browser needs it: without the user and the query."""
    return re.split(r"[?#]", redact_url(uri).replace(f"{HIDDEN}@", ""))[0].rstrip("/")


def _databricks_links(store: StoreAddress) -> Links:
    """A workspace has pages of its own, which know no saved views."""
    host = os.environ.get("DATABRICKS_HOST", "").strip().rstrip("/") or "https://YOUR-DATABRICKS-WORKSPACE"
    root = (host if "://" in host else f"https://{host}") + _DATABRICKS_PATH
    return Links(root, store.experiment_id, *[f"{root}/experiments/{store.experiment_id}"] * len(View))


def run_path(experiment_id: str, run_id: str) -> str:
    """Address of a run's page, relative to the root of the UI."""
    return f"#/experiments/{experiment_id}/runs/{run_id}?{_MODE}"
