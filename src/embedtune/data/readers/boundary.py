"""The one place where errors of Python and of parsers become problems of the data."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from embedtune.data.drafts import Notes, Place, Problem

PARSING = (OSError, ValueError, OverflowError, RecursionError, MemoryError, csv.Error)
"""Exceptions raised by reading a malformed file; any other error is a defect of a reader."""

logger = logging.getLogger(__name__)


class Unreadable(Exception):
    """A file, or a part of it, cannot be read."""

    def __init__(self, kind: str, message: str, place: Place | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(kind, message, place)


@contextmanager
def boundary(place: str, notes: Notes) -> Iterator[None]:
    """Note as a problem of ``place`` what goes wrong inside."""
    try:
        yield
    except (Unreadable, *PARSING) as error:
        notes.problems.append(problem(place, error))


def problem(place: str, error: Exception) -> Problem:
    """The problem to report for an error that stopped the reading of ``place``."""
    logger.debug("%s", place, exc_info=error)
    match error:
        case Unreadable():
            return error.problem
        case json.JSONDecodeError():
            detail = f"{error.msg} at column {error.colno}"
            return Problem("lines that are not JSON", f"{place} must be JSON, but got: {detail}. Repair or remove it.")
        case RecursionError():
            return Problem("nesting", f"{place} must not nest more deeply than Python reads. Flatten or remove it.")
        case MemoryError():
            return Problem("size", f"{place} must fit into memory, but got more. Divide or shorten it.")
        case OSError():
            reason = error.strerror or type(error).__name__
            message = f"{place} must be a file that can be read, but got: {reason}. Check the path and its permissions."
            return Problem("unreadable files", message)
    reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
    return Problem("unreadable content", f"{place} must be readable, but got: {reason}. Repair or remove it.")
