"""When the next request may begin: so many a minute, and none before the server wants another."""

from __future__ import annotations

import asyncio
import time
from email.utils import parsedate_to_datetime

LONGEST = 600.0
"""Seconds that a server may make us wait."""


class Pace:
    """Keeps requests apart, whoever makes them."""

    def __init__(self, per_minute: float | None) -> None:
        """Begin requests at most so often; None: at once."""
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until a request may begin."""
        while (ahead := self._next - time.monotonic()) > 0:
            await asyncio.sleep(ahead)
        self._next = time.monotonic() + self._gap

    def hold(self, seconds: float) -> None:
        """Let nobody begin before that."""
        self._next = max(self._next, time.monotonic() + seconds)


def retry_after(value: str | None, now: float) -> float | None:
    """The seconds of a ``Retry-After`` header, which has a number or a date; None if it says nothing. Pure.

    Args:
        value: Of the header.
        now: Seconds since the epoch.
    """
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None
