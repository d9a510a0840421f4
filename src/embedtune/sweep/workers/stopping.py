"""How a running study is asked to stop: finish the running trials, or drop them and queue them again."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

logger = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1

SUPERVISOR = "EMBEDTUNE_SUPERVISOR"
"""Environment variable of a worker: the process id of its supervisor."""

Handler = Callable[[int, FrameType | None], None]


@dataclass
class Stop:
    """Whether no more trials may be claimed."""

    requested: bool = False

    def finish(self, *_: object) -> None:
        """Let the running trial be the last."""
        self.requested = True

    def finish_then_now(self, *_: object) -> None:
        """For Ctrl-C: the first lets the running trial end, the second drops it.

        Raises:
            KeyboardInterrupt: At the second call.
        """
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        logger.warning("Stopping after the trials that run now. Ctrl-C again drops them; they are queued again.")


def stop_now(*_: object) -> None:
    """For SIGTERM, as pre-emption sends it.

    Raises:
        KeyboardInterrupt: Always.
    """
    raise KeyboardInterrupt


def die_with_parent() -> None:
    """Have the kernel send SIGINT when the parent process dies, so that no worker is orphaned (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.environ.get(SUPERVISOR) != str(os.getppid()):  # it died before the kernel was told
            raise KeyboardInterrupt


@contextmanager
def handling(handlers: Mapping[signal.Signals, Handler | signal.Handlers]) -> Iterator[None]:
    """Handle these signals inside the block."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
