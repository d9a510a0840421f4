"""MLflow's UI on the right store."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from embedtune.config import TrackingConfig
from embedtune.errors import TrackingError
from embedtune.paths import Workspace
from embedtune.tracking.redaction import redact_text
from embedtune.tracking.store import SQLITE, is_database, prepare_environment, store_uri

HOST = "127.0.0.1"
"""The UI asks for no password, so nobody else's machine may reach it."""


def serve_ui(config: TrackingConfig, workspace: Workspace) -> NoReturn:
    """Become the UI: this process is replaced, and ends when the UI does.

    Raises:
        TrackingError: There is no store yet, the port is taken, or ``tracking.uri`` is a server of its own.
    """
    check_servable(config, workspace)
    prepare_environment()
    sys.stdout.flush()
    os.dup2(2, 1)  # the server's own lines are no answer of the command
    os.execve(sys.executable, ui_command(config, workspace), {**os.environ, **ui_environment(config, workspace)})


def ui_command(config: TrackingConfig, workspace: Workspace) -> list[str]:
    """The command line of the UI, without the store's address, which may hold a password."""
    artifacts = workspace.mlruns.resolve() / "artifacts"
    options = {
        "--host": HOST,
        "--port": str(config.port),
        "--workers": "1",
        "--artifacts-destination": artifacts.as_uri(),
        "--uvicorn-opts": "--log-level warning",
    }
    return [sys.executable, "-m", "mlflow", "ui", *(word for option in options.items() for word in option)]


def ui_environment(config: TrackingConfig, workspace: Workspace) -> Mapping[str, str]:
    """What the UI reads from the environment: the store, and no job workers, which take eight processes."""
    return {
        "MLFLOW_BACKEND_STORE_URI": store_uri(config, workspace),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PYTHONWARNINGS": "ignore",  # deprecations within the server
    }


def check_servable(config: TrackingConfig, workspace: Workspace) -> None:
    """Check that there is a store and that the port is free.

    Raises:
        TrackingError: One of them is not so.
    """
    uri = store_uri(config, workspace)
    if not is_database(uri):
        raise TrackingError(
            f"tracking.uri must be a database for `ui`, but got the server {redact_text(uri)}. Open that address."
        )
    if uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).is_file():
        raise TrackingError(
            f"tracking.uri must be a store with runs in it, but got {uri}, which does not exist. "
            "Train first: python -m embedtune"
        )
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: not in TIME_WAIT
            probe.bind((HOST, config.port))
    except (OSError, OverflowError) as error:
        raise TrackingError(
            f"tracking.port must be free on {HOST}, but got {config.port} ({error}). "
            f"Stop what uses it, or take another: tracking.port={config.port % 65535 + 1}"
        ) from error
