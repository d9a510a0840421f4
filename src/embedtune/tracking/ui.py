"""MLflow's UI on the right store, served by this process: MLflow's own command line imports all of it twice."""

from __future__ import annotations

import gc
import socket
import threading
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from embedtune.config import TrackingConfig
from embedtune.config.redaction import first_line, redact_url
from embedtune.errors import TrackingError
from embedtune.paths import Workspace
from embedtune.tracking.mlflow_private import server_application
from embedtune.tracking.place.sqlite import open_exactly
from embedtune.tracking.place.uri import is_database, store_file, store_uri
from embedtune.tracking.store import prepare_environment

if TYPE_CHECKING:
    from uvicorn import Server

HOST = "127.0.0.1"
"""The UI asks for no password, so nobody else's machine may reach it."""

_GOODBYE_SECONDS = 3
"""How long pages that are still open may keep a server that was asked to end."""


def serve_ui(config: TrackingConfig, workspace: Workspace, ready: Callable[[], None] = lambda: None) -> None:
    """Serve the UI until Ctrl-C or SIGTERM.

    Args:
        config: Says the store and the port.
        workspace: Where the store is, unless ``config`` names another.
        ready: Called once, when the port answers.

    Raises:
        TrackingError: There is no store yet, the port is taken, the store is one MLflow cannot read, or
            ``tracking.uri`` is a server of its own.
    """
    _check_store(store_uri(config, workspace), store_file(config, workspace))
    with _bound(config.port) as listener, suppress(KeyboardInterrupt), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations within the server
        prepare_environment()
        if (file := store_file(config, workspace)) is not None:
            open_exactly(store_uri(config, workspace), file)
        server = _load_server(store_uri(config, workspace), workspace.mlruns.resolve() / "artifacts")
        threading.Thread(target=_call_when_healthy, args=(config.port, ready), daemon=True).start()
        server.run(sockets=[listener])


def check_servable(config: TrackingConfig, workspace: Workspace) -> None:
    """Check that there is a store and that the port is free.

    Raises:
        TrackingError: One of them is not so.
    """
    _check_store(store_uri(config, workspace), store_file(config, workspace))
    with _bound(config.port):
        pass


def _load_server(uri: str, artifacts: Path) -> Server:
    """MLflow's application, its stores opened, and the server for it; nearly all of the start-up is spent here."""
    gc.disable()  # collecting while modules load finds nothing to free and costs a seventh of the time
    try:
        import uvicorn
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            app = server_application(uri, artifacts)
        except (MlflowException, SQLAlchemyError, OSError) as error:
            raise TrackingError(
                f"tracking.uri must be a store that mlflow can read, but got {redact_url(uri)} "
                f"({type(error).__name__}: {first_line(error)}). "
                "Check the address; if mlflow was changed: mlflow db upgrade"
            ) from error
    finally:
        gc.freeze()
        gc.enable()
    return uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=_GOODBYE_SECONDS))


def _call_when_healthy(port: int, ready: Callable[[], None]) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this machine, whatever the environment says
    while True:
        try:
            with opener.open(f"http://{HOST}:{port}/health", timeout=5):
                return ready()
        except OSError:
            time.sleep(0.05)


def _check_store(uri: str, file: Path | None) -> None:
    if not is_database(uri):
        raise TrackingError(
            f"tracking.uri must be a database for `ui`, but got the server {redact_url(uri)}. Open that address."
        )
    if file is not None and not file.is_file():
        raise TrackingError(
            f"tracking.uri must be a store with runs in it, but got {redact_url(uri)}, which does not exist. "
            "Train first: python -m embedtune"
        )


@contextmanager
def _bound(port: int) -> Iterator[socket.socket]:
    """The port, ours from now on; it answers nobody before the server listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a server that just ended blocks nobody
            listener.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise TrackingError(
                f"tracking.port must be free on {HOST}, but got {port} ({error}). "
                f"Stop what uses it, or take another: tracking.port={port % 65535 + 1}"
            ) from error
        yield listener
