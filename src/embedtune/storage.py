"""Where Optuna keeps a study, and the locks that go with it: files of one machine, or a database that several share."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy
from filelock import FileLock
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._storage import JournalOperation  # what the entries of a journal are, not exported
from sqlalchemy.pool import NullPool

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SQLITE = "sqlite:///"

HEARTBEAT = 15
"""Seconds between two signs of life that a trial gives in a database."""
GRACE = 120
"""Seconds without a sign of life, by the database's clock, after which a trial of another host is taken for dead."""

_DURABLE = {JournalOperation.CREATE_STUDY, JournalOperation.CREATE_TRIAL, JournalOperation.SET_TRIAL_STATE_VALUES}
"""Entries that a power cut must not take away once they are acknowledged; those before them are flushed with them."""

_SQLITE_SECONDS = 60
"""How long a write waits for another's."""
_KEEPALIVE = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}
"""A lock whose holder's machine vanished is freed within a minute, not after the two hours of TCP."""

Locks = Callable[[str], AbstractContextManager[None]]
"""The name of a lock to a block that holds it; it is freed when its holder dies, and cannot be taken twice."""


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold a lock among the processes of one machine.

    An flock that waits in the kernel: filelock polls, which lets one process starve the others under load.
    """
    if fcntl is None:
        with FileLock(path):
            yield
        return
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield  # closing the file frees it


class Journal(JournalFileBackend):
    """Optuna's journal file, made for many short writes by several processes.

    Optuna flushes every line to disk while it holds a lock that survives its holder by 30 s: four workers then wait
    for the disk most of the time. Here the lock is an flock, only what must survive a power cut is flushed, after
    the lock was freed, and a line torn by a full disk or a crash is cut off instead of making the file unreadable.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._guard = path.with_suffix(".lock")

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append entries, all of them or none.

        Raises:
            OSError: The disk is full.
        """
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs).encode()
        with open(self._file_path, "ab+") as file:
            with file_lock(self._guard):
                _append(file, lines)
            if any(log["op_code"] in _DURABLE for log in logs):
                os.fsync(file.fileno())


def _append(file: BinaryIO, lines: bytes) -> None:
    end = file.seek(0, os.SEEK_END)
    if end > 0 and os.pread(file.fileno(), 1, end - 1) != b"\n":
        file.seek(0)
        end = file.read().rfind(b"\n") + 1
        file.truncate(end)
    try:
        file.write(lines)
        file.flush()
    except OSError:
        os.ftruncate(file.fileno(), end)
        raise


def open_storage(url: str | None, journal: Path) -> BaseStorage:
    """The storage a URL names; None takes the journal file.

    Creating a database is not safe against a second process that does so too: hold a lock.

    Raises:
        Exception: Whatever SQLAlchemy and the database's driver raise.
    """
    if url is None:
        return JournalStorage(Journal(journal))
    arguments = {"timeout": _SQLITE_SECONDS} if url.startswith(SQLITE) else {}
    return RDBStorage(
        url,
        engine_kwargs={"pool_pre_ping": True, "connect_args": arguments},
        heartbeat_interval=HEARTBEAT,
        grace_period=GRACE,
    )


def open_locks(url: str | None, folder: Path, study: str) -> Locks:
    """The locks of a study, where all its processes see them: beside the files, or in the database.

    Args:
        url: Of the storage; None for a journal in ``folder``.
        folder: The study's.
        study: Its name.
    """
    if url is None:
        return lambda name: file_lock(folder / f"{name}.lock")
    if url.startswith(SQLITE):
        database = os.path.abspath(url.removeprefix(SQLITE).partition("?")[0])
        return lambda name: file_lock(Path(f"{database}.{study}.{name}.lock"))
    return _advisory_locks(url, study)


def place(url: str) -> str:
    """A storage's URL without what may be secret: the user, the password and the query."""
    scheme, _, rest = url.partition("?")[0].partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _advisory_locks(url: str, study: str) -> Locks:
    """Locks of PostgreSQL; all about them is a transaction's, so a lost connection frees them, behind a pooler too."""
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)

    @contextmanager
    def held(name: str) -> Iterator[None]:
        digest = hashlib.sha256(f"embedtune/{study}/{name}".encode()).digest()
        key = int.from_bytes(digest[:8], "big", signed=True)
        with engine.begin() as connection:
            for setting, seconds in _KEEPALIVE.items():
                connection.execute(sqlalchemy.text(f"SET LOCAL {setting} = {seconds}"))
            connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            yield

    return held
