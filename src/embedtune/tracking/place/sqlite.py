"""A sqlite file opened under exactly its name, whatever characters are in it."""

from __future__ import annotations

import os
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

from embedtune.errors import TrackingError
from embedtune.machine.files import open_regular

_UNUSABLE = ("SQLITE_CANTOPEN", "SQLITE_NOTADB")
"""Errors that waiting does not cure; mlflow retries them for minutes."""

_meant: dict[str, tuple[str, frozenset[str]]] = {}
"""The file that SQLAlchemy would open -> the one that is meant, and arguments that are part of its name."""


def open_exactly(uri: str, file: Path) -> None:
    """Have SQLAlchemy, and so mlflow, open ``file`` where it is given ``uri``.

    It splits an address at ``?`` and, from 2.1 on, decodes ``%41``; earlier ones take no quoting, and mlflow creates
    the folder of the address as it stands. So the address holds the plain path, and the file is put right when it is
    opened.
    """
    from sqlalchemy import Engine, event, make_url

    url = make_url(uri)
    taken = os.path.abspath(url.database or "")
    if taken == str(file):
        _meant.pop(taken, None)
        return
    own = frozenset(url.query if uri.endswith(str(file)) else ())
    if own:
        warnings.filterwarnings("ignore", message="Query string argument")  # it is the name of a folder
    _meant[taken] = (str(file), own)
    if not event.contains(Engine, "do_connect", _put_right):
        event.listen(Engine, "do_connect", _put_right)


def _put_right(dialect: Any, _record: Any, arguments: list[Any], named: dict[str, Any]) -> None:
    if dialect.name == "sqlite" and arguments and arguments[0] in _meant:
        arguments[0], own = _meant[arguments[0]]
        for key in own:
            named.pop(key, None)


def check_usable(file: Path) -> None:
    """Find out at once what mlflow would try again and again.

    Raises:
        TrackingError: The file cannot be opened, or is no database.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            os.close(open_regular(file, os.O_RDONLY, follow=True))  # the database may be on another disk
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA schema_version")
    except OSError as error:
        raise _refused(file, error) from error
    except sqlite3.Error as error:
        if error.sqlite_errorname in _UNUSABLE:
            raise _refused(file, error) from error


def _refused(file: Path, error: Exception) -> TrackingError:
    return TrackingError(
        f"tracking.uri must be a database that can be opened, but got {file} ({error}). "
        "Nothing is lost: mend it, then deliver with `sync`."
    )
