"""Where Optuna keeps a study: a journal file of one machine, or a database that several share."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from sqlalchemy.exc import InterfaceError, OperationalError

from embedtune.errors import StudyError
from embedtune.machine.disk import is_full
from embedtune.study.storage.journal import Journal
from embedtune.study.storage.locks import SQLITE

logger = logging.getLogger(__name__)

T = TypeVar("T")

HEARTBEAT = 15
"""Seconds between two heartbeats of a trial in a database."""
GRACE = 120
"""Seconds without a heartbeat, by the database's clock, after which a trial of another host is presumed dead."""

_SQLITE_SECONDS = 60
"""How long a write waits for another's."""
_PSYCOPG = "postgresql+psycopg://"
PATIENCE = 120.0
"""Seconds for which an unreachable database is retried, before running trials are interrupted."""


def open_storage(url: str | None, journal: Path) -> BaseStorage:
    """The storage a URL names; None takes the journal file.

    Creating a database is not safe against a second process that does so too: hold a lock.

    Raises:
        Exception: Whatever SQLAlchemy and the database's driver raise.
    """
    if url is None:
        return JournalStorage(Journal(journal))
    arguments: dict[str, Any] = {"timeout": _SQLITE_SECONDS} if url.startswith(SQLITE) else {}
    if url.startswith(_PSYCOPG):
        arguments = {"prepare_threshold": None}  # behind a pooler the next statement may meet another connection
    return RDBStorage(
        url,
        engine_kwargs={"pool_pre_ping": True, "connect_args": arguments},
        heartbeat_interval=HEARTBEAT,
        grace_period=GRACE,
    )


def is_lost(error: BaseException) -> bool:
    """Whether an error says that the database cannot be reached, or broke the connection."""
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    return isinstance(cause, OperationalError | InterfaceError) and not is_full(cause)


@contextmanager
def reporting_lost() -> Iterator[None]:
    """Report in our own words that the database became unreachable.

    Raises:
        StudyError: It did.
    """
    try:
        yield
    except Exception as error:
        if not is_lost(error):
            raise
        raise _lost(error) from error


def persistently(action: Callable[[], T], patience: float | None = None) -> T:
    """Return the result of ``action``, retried while the database is away.

    Args:
        action: May be called several times.
        patience: Seconds after which to give up; None takes ``PATIENCE``.

    Raises:
        StudyError: The database stayed away.
    """
    deadline, pause = time.monotonic() + (PATIENCE if patience is None else patience), 0.5
    while True:
        try:
            return action()
        except Exception as error:
            if not is_lost(error):
                raise
            if time.monotonic() + pause > deadline:
                raise _lost(error) from error
            logger.warning("The study's database is away (%s); asked again in %.1f s", type(error).__name__, pause)
        time.sleep(pause)
        pause = min(2 * pause, 10.0)


def _lost(error: Exception) -> StudyError:
    return StudyError(
        f"study.storage must be reachable, but its database went away ({type(error).__name__}). Type the same command "
        "again once it is back: it goes on where it stopped."
    )
