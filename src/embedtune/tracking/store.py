"""The MLflow store: opening it, and the one way to mlflow."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from embedtune.config import TrackingConfig
from embedtune.config.redaction import first_line, redact_url
from embedtune.errors import TrackingError
from embedtune.machine.locks import file_lock
from embedtune.paths import Workspace
from embedtune.tracking.links import ALL_STUDIES, StoreAddress
from embedtune.tracking.mlflow_private import experiment_id, shows_views
from embedtune.tracking.place.owner import Owner, identify
from embedtune.tracking.place.relocate import Relocation, adopt_copy
from embedtune.tracking.place.sqlite import check_usable, open_exactly
from embedtune.tracking.place.uri import artifact_folder, is_database, store_file, store_lock, store_uri
from embedtune.tracking.views import all_studies_tags

if TYPE_CHECKING:
    from embedtune.tracking.client.gateway import Gateway

logger = logging.getLogger(__name__)

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

_LOCK_SECONDS = 60
"""Longer than any delivery of one folder to a store that answers."""

_NOTE = "[All studies]({page}), best trial first. The views of each study are in the menu at the top right."


@dataclass(frozen=True)
class Store(StoreAddress):
    """An opened store.

    Attributes:
        owner: The workspace that writes to it.
        file: Its database, if that is a sqlite file.
    """

    owner: Owner
    file: Path | None


def open_store(config: TrackingConfig, workspace: Workspace) -> Store:
    """Open the store, creating the database, the experiment and its saved view as needed.

    Call it before workers start: two processes that create one database at once break it, so a lock is held.

    Raises:
        TrackingError: The store refused, or did not answer in time.
    """
    prepare_environment()
    uri, file = store_uri(config, workspace), store_file(config, workspace)
    local = is_database(uri)
    artifacts = workspace.mlruns.resolve() / artifact_folder(config.experiment)
    _make(workspace.mlruns, "paths.mlruns")
    _make(workspace.sweeps, "paths.sweeps")
    owner = identify(workspace)
    if file is not None:
        check_usable(file)
    _say_copied(owner, adopt_copy(file, config, owner) if file else None)
    if local:
        _make(artifacts, "paths.mlruns")
    store = Store(uri, config.experiment, "", owner, file)
    with connect(store, lock=store_lock(config, workspace)) as gateway:
        opened = gateway.open_experiment(config.experiment, artifacts.as_uri() if local else None)
        views = all_studies_tags() if shows_views() else {}
        gateway.tag_experiment(opened, views, default_note=_NOTE.format(page=ALL_STUDIES.format(opened)))
    return replace(store, experiment_id=opened)


def _say_copied(owner: Owner, adopted: Relocation | None) -> None:
    if adopted or owner.original:
        original = owner.original or ", ".join(adopted.old if adopted else ())
        backup = f"; the database as it was: {adopted.backup}" if adopted else ""
        logger.warning("This workspace is a copy of %s: from now on each has its own record%s", original, backup)


def _make(folder: Path, key: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrackingError(f"{key} must be writable, but got {folder} ({error}).") from error


def peek_store(config: TrackingConfig, workspace: Workspace) -> StoreAddress | None:
    """A local sqlite store as it is, without the seconds that mlflow takes; None where only mlflow can tell."""
    file = store_file(config, workspace)
    if file is None or not file.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            found = experiment_id(database, config.experiment)
    except (sqlite3.Error, ValueError):
        return None
    return None if found is None else StoreAddress(store_uri(config, workspace), config.experiment, found)


def prepare_environment() -> None:
    """Set what mlflow reads from the environment, leaving what the user set."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def one_at_a_time(folder: Path) -> AbstractContextManager[None]:
    """Hold while the folder is delivered: two processes at once would both find no run and create one each."""
    return file_lock(folder / "tracking.lock", _LOCK_SECONDS)


@contextmanager
def connect(store: Store, lock: Path | None = None) -> Iterator[Gateway]:
    """The one way to mlflow; imports it, and turns what it raises into TrackingError. ``lock`` is held all the time."""
    prepare_environment()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    from embedtune.tracking.client.gateway import Gateway

    if store.file is not None:
        open_exactly(store.uri, store.file)
    try:
        with file_lock(lock) if lock else nullcontext():
            yield Gateway(store.uri, store.experiment_id, store.owner)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise TrackingError(
            f"tracking.uri must be a store that takes the record, but got {redact_url(store.uri)} "
            f"({type(error).__name__}: {first_line(error)}). Nothing is lost: deliver it later with `sync`."
        ) from error
