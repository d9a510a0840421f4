"""Worker processes of one study: started, watched, replaced when they die, and never left behind."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from embedtune.errors import DeviceLost, DiskFull, SpaceUsedUp, StudyError
from embedtune.machine.files import append_regular
from embedtune.records import TrialRecord
from embedtune.sweep.workers.events import replay
from embedtune.sweep.workers.stopping import SUPERVISOR, Stop, handling, stop_now
from embedtune.trial.watching import Watcher

logger = logging.getLogger(__name__)

GRACE = 20.0
"""Seconds a worker has to record an interruption before it is killed."""
STILLBORN = 3
"""Workers that die in a row before any trial began; then something is wrong with all of them."""


@dataclass(frozen=True)
class Slot:
    """The slot of a worker: its share of the machine.

    Attributes:
        index: From 0.
        environment: What its process gets beside the environment of this one.
        log: Its stderr.
    """

    index: int
    environment: dict[str, str]
    log: Path


@dataclass
class _Child:
    slot: Slot
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    began: bool = False
    unread: bytes = b""


@dataclass
class Supervisor:
    """Keeps workers running until the study is done.

    Attributes:
        command: Starts a worker; its index is appended. Secrets are no part of it, but of the slots' environment.
        slots: One worker each.
        watcher: Shown the events of the workers.
        left: How many trials can still be claimed.
        mend: Queues again the trials that a dead worker left running; returns those that failed permanently instead.
        ended: Called when a trial has ended; raises StudyError to end the study.
    """

    command: Callable[[int], Sequence[str]]
    slots: Sequence[Slot]
    watcher: Watcher
    left: Callable[[], int]
    mend: Callable[[], Sequence[TrialRecord]]
    ended: Callable[[], None]
    stop: Stop = field(default_factory=Stop)
    _children: list[_Child] = field(default_factory=list)
    _stillborn: int = 0
    _used_up: StudyError | None = None

    def run(self) -> None:
        """Start the workers and watch them until the last has ended.

        Raises:
            KeyboardInterrupt: The study was asked to stop; nothing is left running.
            StudyError: Workers die before they begin, the disk is full, or the study is hopeless.
        """
        with self._interruptible(), selectors.DefaultSelector() as selector:
            for slot in self.slots[: max(self.left(), 1)]:
                self._start(slot, selector)
            while self._children:
                for key, _ in selector.select(timeout=1.0):
                    self._read(key.data, selector)
        if self.stop.requested and self.left() > 0:
            raise KeyboardInterrupt
        if self._used_up is not None and self.left() > 0:
            raise self._used_up

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """The first Ctrl-C lets trials end, the second or SIGTERM interrupts them; no worker outlives the block."""
        handlers = {signal.SIGINT: self._finish_then_now, signal.SIGTERM: stop_now}
        try:
            with handling(handlers):
                yield
        finally:
            with handling({signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_IGN}):  # it is being done
                self._end(signal.SIGINT)

    def _finish_then_now(self, *_: object) -> None:
        self.stop.finish_then_now()
        self._signal(signal.SIGTERM)

    def _start(self, slot: Slot, selector: selectors.BaseSelector) -> None:
        slot.log.parent.mkdir(exist_ok=True)
        log = append_regular(slot.log)
        process = subprocess.Popen(
            [*self.command(slot.index)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **slot.environment, SUPERVISOR: str(os.getpid())},
            start_new_session=True,  # a Ctrl-C in the terminal comes to the supervisor alone
        )
        child = _Child(slot, process, log)
        self._children.append(child)
        if self.stop.requested:  # between the look whether to start it and now
            process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        selector.register(process.stdout, selectors.EVENT_READ, child)

    def _read(self, child: _Child, selector: selectors.BaseSelector) -> None:
        assert child.process.stdout is not None
        # Not readline(): it would keep lines in a buffer of its own, which no selector sees.
        read = os.read(child.process.stdout.fileno(), 1 << 16)
        if read:
            *lines, child.unread = (child.unread + read).split(b"\n")
            for line in lines:
                self._tell(child, line.decode("utf-8", errors="replace"))
            return
        selector.unregister(child.process.stdout)
        self._children.remove(child)
        self._reap(child, selector)

    def _tell(self, child: _Child, line: str) -> None:
        event = replay(line, self.watcher)
        child.began = child.began or event == "began"
        if event == "ended":
            self._stillborn = 0
            self.ended()

    def _reap(self, child: _Child, selector: selectors.BaseSelector) -> None:
        """Handle the end of a worker: unless it was regular, clean up after it and start another."""
        status = child.process.wait()
        self._close(child)
        if status == SpaceUsedUp.STATUS:
            self._used_up = SpaceUsedUp(_last_line(child.slot.log))
            return
        if status == DiskFull.STATUS:
            with suppress(Exception):  # the next command does what cannot be written now
                self.mend()
            raise DiskFull(
                f"the disk of {child.slot.log.parent.parent} must have room for the record, but it is full. Free some "
                "and type the same command again: it goes on where it stopped."
            )
        if status == 0 and (self.stop.requested or self.left() <= self._starting()):
            return  # it found nothing: what a dead one left since then is run by that one's successor
        given_up = self.mend()
        for record in given_up:
            self.watcher.ended(record)
        if given_up:
            self.ended()
        if self.stop.requested:
            return
        logger.warning("Worker %d ended (%s)", child.slot.index, _how(status))
        self._stillborn = 0 if child.began else self._stillborn + 1
        if self._stillborn >= STILLBORN:
            raise StudyError(f"workers must start, but {STILLBORN} died before any trial began. See {child.slot.log}.")
        if self.left() > 0:
            self._start(child.slot, selector)

    def _starting(self) -> int:
        """Workers that were started and have begun no trial yet; each will look for one."""
        return sum(not child.began for child in self._children)

    def _signal(self, number: signal.Signals) -> None:
        for child in self._children:
            if child.process.poll() is None:
                child.process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        """End all workers that still run; their trials are queued again."""
        if not self._children:
            return
        self._signal(number)
        deadline = time.monotonic() + GRACE
        for child in self._children:
            try:
                child.process.communicate(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
            self._close(child)
        self._children.clear()
        self.mend()

    @staticmethod
    def _close(child: _Child) -> None:
        if child.process.stdout is not None:
            child.process.stdout.close()
        child.log.close()


def worker_command(arguments: Sequence[str]) -> Callable[[int], Sequence[str]]:
    """The command of this process, for a worker: it composes the same study and loops in it."""

    def command(index: int) -> list[str]:
        return [sys.executable, "-m", "embedtune", *arguments, f"hydra.sweeper.worker={index}"]

    return command


def _last_line(log: Path) -> str:
    """The last line that a worker logged: why it ended."""
    return log.read_text(encoding="utf-8", errors="replace").rstrip().rpartition("\n")[2]


def _how(status: int) -> str:
    if status == DeviceLost.STATUS:
        return "its device was lost"
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"
