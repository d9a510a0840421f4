"""Which process runs a trial, whether it still lives, and what a process repeats beside its work."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def worker_identity() -> str:
    """This process as ``host:pid:start``; the start time tells a reused pid from the same process."""
    return f"{socket.gethostname()}:{os.getpid()}:{_start_time(os.getpid())}"


def worker_alive(identity: str) -> bool:
    """Whether the process may still run: False only for one of this host that is gone, or for none."""
    host, _, rest = identity.partition(":")
    pid, _, start = rest.partition(":")
    if not pid.isdecimal():
        return False
    return host != socket.gethostname() or _start_time(int(pid)) == start != ""


@contextmanager
def repeating(seconds: float, action: Callable[[], bool]) -> Iterator[None]:
    """Call ``action`` in a thread, every ``seconds`` seconds, until it says True or the block ends."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(seconds) and not action():
            pass

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _start_time(pid: int) -> str:
    """Clock ticks from boot to the start of a process (field 22 of /proc/pid/stat); empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return "" if not _exists(pid) else "?"


def _exists(pid: int) -> bool:
    """For systems without /proc."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
