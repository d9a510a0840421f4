"""Locks among the processes of one machine, which the death of their holder frees."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from embedtune.machine.files import append_regular

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_PAUSE = 0.05
"""Seconds between two looks at a lock that is waited for with a limit."""


@contextmanager
def file_lock(path: Path, seconds: float | None = None) -> Iterator[None]:
    """Hold a lock; a second one of this process waits as another process does.

    An flock that waits in the kernel: filelock polls, which lets one process starve the others under load.

    Args:
        path: Of the lock, a file that is made if there is none, and stays.
        seconds: How long to wait for it; None for as long as it takes.

    Raises:
        TimeoutError: Another holds it for longer.
        OSError: The file cannot be made, or is a link, a folder, a pipe or a device.
    """
    if fcntl is None:
        with FileLock(path, timeout=-1 if seconds is None else seconds):
            yield
        return
    with append_regular(path) as file:
        if seconds is None:
            fcntl.flock(file, fcntl.LOCK_EX)
        else:
            _wait(path, file, seconds)
        yield  # closing the file frees it


def _wait(path: Path, file: BinaryIO, seconds: float) -> None:
    last = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= last:
                raise TimeoutError(errno.ETIMEDOUT, f"another process holds it for {seconds:g} s", str(path)) from error
            time.sleep(_PAUSE)
        else:
            return
