"""Where the tracking store is, and of which kind, as its URI tells. Pure."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from embedtune.config import TrackingConfig
from embedtune.paths import Workspace

SQLITE = "sqlite:///"
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_LONGEST = 100
"""Characters of a folder's name, of 255 bytes."""


def store_uri(config: TrackingConfig, workspace: Workspace) -> str:
    """The tracking URI: the one configured, or sqlite below ``paths.mlruns``."""
    return config.uri or f"{SQLITE}{_own_file(workspace)}"


def store_file(config: TrackingConfig, workspace: Workspace) -> Path | None:
    """The sqlite file of the store; None if it is of another kind."""
    if config.uri is None:
        return _own_file(workspace)
    if not config.uri.startswith(SQLITE):
        return None
    return Path(config.uri.removeprefix(SQLITE).partition("?")[0]).absolute()


def _own_file(workspace: Workspace) -> Path:
    return (workspace.mlruns / "mlflow.db").resolve()


def store_lock(config: TrackingConfig, workspace: Workspace) -> Path:
    """Held while the store is created or mended; beside a sqlite file, because several workspaces may share one."""
    file = store_file(config, workspace)
    return (file.parent if file else workspace.mlruns) / "mlflow.lock"


def artifact_folder(experiment: str) -> str:
    """Where below ``paths.mlruns`` the artifacts of an experiment are."""
    name = re.sub(r"[^\w.-]", "_", experiment)
    if len(name) > _LONGEST or not name.strip("."):
        name = f"{name[:_LONGEST].replace('.', '_')}-{hashlib.sha256(experiment.encode()).hexdigest()[:12]}"
    return f"artifacts/{name}"


def is_server(uri: str) -> bool:
    """Whether a tracking URI is that of a running MLflow server."""
    return uri.startswith(("http://", "https://"))


def is_database(uri: str) -> bool:
    """Whether this process itself writes the database that a tracking URI names."""
    return uri.startswith(_DATABASES)


def is_databricks(uri: str) -> bool:
    """Whether a tracking URI is that of a Databricks workspace, ``databricks`` or ``databricks://PROFILE``."""
    return uri == "databricks" or uri.startswith("databricks://")
