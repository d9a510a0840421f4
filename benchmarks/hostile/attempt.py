"""One hostile case, tried within its bounds of time and memory."""

from __future__ import annotations

import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes:
        kind: Such as ``refused``, ``used``, ``traceback``, ``hang`` or ``memory``.
        fault: Whether it must not be.
        detail: For a fault: what was seen.
    """

    kind: str
    fault: bool = False
    detail: str = ""


@dataclass(frozen=True)
class Case:
    """What is tried.

    Attributes:
        name: Tells it from others.
        run: Tries it; an exception that it lets through is a traceback.
    """

    name: str
    run: Callable[[], Outcome]


@dataclass(frozen=True)
class Limit:
    """What one case may take.

    Attributes:
        seconds: Of time.
        memory: Bytes by which this process may grow.
    """

    seconds: float
    memory: int


class Hang(BaseException):
    """The time of a case is over; not an Exception, so that nothing handles it."""


def attempt(case: Case, limit: Limit) -> tuple[Outcome, float]:
    """Try a case; its outcome and its seconds."""
    began = time.monotonic()
    try:
        with _bounded(limit):
            outcome = case.run()
    except Hang:
        outcome = Outcome("hang", True, f"not done after {limit.seconds:.0f} s")
    except MemoryError:
        outcome = Outcome("memory", True, f"more than {limit.memory / 2**30:.1f} GiB")
    except Exception:
        outcome = Outcome("traceback", True, traceback.format_exc(limit=-4))
    return outcome, time.monotonic() - began


@contextmanager
def _bounded(limit: Limit) -> Iterator[None]:
    def over(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, over)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + limit.memory, hard))
    signal.setitimer(signal.ITIMER_REAL, limit.seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
