"""Locks that the death of their holder frees: files of one machine, or a database's."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import sqlalchemy
from sqlalchemy.pool import NullPool

from embedtune.machine.locks import file_lock

SQLITE = "sqlite:///"

_KEEPALIVE = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}
"""A lock whose holder's machine vanished is freed within a minute, not after the two hours of TCP."""

Locks = Callable[[str], AbstractContextManager[None]]
"""The name of a lock to a block that holds it; it is freed when its holder dies, and cannot be taken twice."""


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


def _advisory_locks(url: str, study: str) -> Locks:
    """Locks of PostgreSQL, held by a transaction, so that a lost connection frees them, behind a pooler too."""
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
