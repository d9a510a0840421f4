"""Where the tracking store is, and of which kind, as its URI tells. Pure."""

from __future__ import annotations

import re
from pathlib import Path

from embedtune.config import TrackingConfig
from embedtune.paths import Workspace

SQLITE = "sqlite:///"
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")


def store_uri(config: TrackingConfig, workspace: Workspace) -> str:
    """The tracking URI: the one configured, or sqlite below ``paths.mlruns``."""
    return config.uri or f"{SQLITE}{(workspace.mlruns / 'mlflow.db').resolve()}"


def store_lock(uri: str, workspace: Workspace) -> Path:
    """Held while the store is created or mended; beside a sqlite file, because several workspaces may share one."""
    folder = Path(uri.removeprefix(SQLITE)).parent if uri.startswith(SQLITE) else workspace.mlruns
    return folder / "mlflow.lock"


def artifact_folder(experiment: str) -> str:
    """Where below ``paths.mlruns`` the artifacts of an experiment are."""
    return "artifacts/" + re.sub(r"[^\w.-]", "_", experiment)


def is_server(uri: str) -> bool:
    """Whether a tracking URI is that of a running MLflow server."""
    return uri.startswith(("http://", "https://"))


def is_database(uri: str) -> bool:
    """Whether this process itself writes the database that a tracking URI names."""
    return uri.startswith(_DATABASES)


def is_databricks(uri: str) -> bool:
    """Whether a tracking URI is that of a Databricks workspace, ``databricks`` or ``databricks://PROFILE``."""
    return uri == "databricks" or uri.startswith("databricks://")
