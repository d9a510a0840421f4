"""How much a file may hold: small files that unpack to large content, and files too large for memory."""

from __future__ import annotations

from embedtune import units
from embedtune.data.readers.boundary import Unreadable

MAX_BYTES = 8 * 2**30
"""Of one file, and of the texts it unpacks to."""

RATIO = 1000
"""Times its own size that a file may unpack to, beyond ``SPARE``; texts compress by ten or twenty."""

SPARE = 64 * 2**20

CELL = 64
"""Bytes that a text takes at least."""


def require_room(file: str, size: int, packed: int | None = None) -> None:
    """Check that there is room for the content of a file.

    Args:
        file: Named in the message.
        size: Bytes to be held.
        packed: Bytes of the file, where it unpacks to ``size``.

    Raises:
        Unreadable: It is above ``MAX_BYTES``, or far more than the file itself.
    """
    if size > MAX_BYTES:
        message = f"{file} must hold at most {units.size(MAX_BYTES)}, but got {units.size(size)}"
        raise Unreadable("size", f"{message}. Divide it: data.extra.NAME=FILE adds a training set.")
    if packed is not None and size > SPARE and size > RATIO * packed:
        message = f"{file} must unpack to at most {RATIO} times its {units.size(packed)}, but got {units.size(size)}"
        raise Unreadable("size", f"{message}. Write it again without the repeats.")
