"""Distinguish a full disk from other failures: it ends a study, instead of failing one trial after the other."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from embedtune.errors import DiskFull

_NUMBERS = (errno.ENOSPC, errno.EDQUOT)
_TEXTS = ("No space left on device", "Disk quota exceeded", "database or disk is full")
"""Messages of libraries that raise their own classes: safetensors, SQLite, and launchers that quote an error."""


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says that a disk or a quota is used up."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in _NUMBERS:
            return True
        if any(text in str(error) for text in _TEXTS):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def reporting_full() -> Iterator[None]:
    """Turn whatever says that the disk is full into one error.

    Raises:
        DiskFull: The disk is full.
    """
    try:
        yield
    except DiskFull:
        raise
    except Exception as error:
        if not is_full(error):
            raise
        raise DiskFull(
            f"the disk must have room for the record, but {type(error).__name__}: {error}. Free some and type the same "
            "command again."
        ) from error
