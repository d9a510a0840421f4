"""Resources that a trial uses, over all the processes that worked on it: time, tokens and memory."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field, replace
from typing import Any

from embedtune.records import PASSAGES_PER_SECOND
from embedtune.training import Progress, Seen, peak_memory


@dataclass
class Meter:
    """Resources that a trial has used so far.

    Attributes:
        device: Whose memory is measured.
        progress: Where the training stands that runs, or ran last; None before the first step.
        mini_batch_size: Rows encoded at once; None: all.
    """

    device: str
    progress: Progress | None = None
    mini_batch_size: int | None = None
    _rates: list[float] = field(default_factory=list)
    _start: float = field(default_factory=time.monotonic)
    _before: Seen = field(default_factory=Seen)
    _done: bool = False

    @property
    def seconds(self) -> float:
        """Since the trial began; the time between two processes is nobody's."""
        return time.monotonic() - self._start

    @property
    def started(self) -> int:
        """When, in milliseconds, so that this and the seconds give now: time between two processes is nobody's."""
        return round((time.time() - self.seconds) * 1000)

    @property
    def seen(self) -> Seen:
        """Data that all its trainings read, except those that ran out of memory."""
        now = Seen(self.progress.tokens, self.progress.rows) if self.progress and not self._done else Seen()
        return self._before + now

    @property
    def facts(self) -> dict[str, Any]:
        """The cost of a trial that ends now, as its record has it."""
        return {
            "steps": self.progress.step if self.progress else 0,
            "tokens": self.seen.tokens,
            "rows_seen": self.seen.rows,
            "device_seconds": round(self.seconds, 3),
            "peak_memory_bytes": peak_memory(self.device),
            "mini_batch_size": self.mini_batch_size,
            **({PASSAGES_PER_SECOND: self._passages_per_second} if self._rates else {}),
        }

    @property
    def _passages_per_second(self) -> float:
        """The median over the evaluations, without the first one where there are others: it warms up."""
        return float(f"{statistics.median(self._rates[1:] or self._rates):.4g}")

    def embedded(self, passages_per_second: float | None) -> None:
        """Note how fast an evaluation embedded its passages."""
        if passages_per_second is not None:
            self._rates.append(passages_per_second)

    def stepped(self, progress: Progress) -> Progress:
        """Note one optimiser step; returns it with the memory used."""
        self.progress, self._done = progress, False
        return replace(progress, memory=peak_memory(self.device) or 0)

    def finish(self) -> None:
        """A training is done, and another follows."""
        self._before, self._done = self.seen, True

    def begin_again(self) -> None:
        """Forget the training that runs."""
        if not self._done:
            self.progress = None

    def go_on(self, progress: Progress, seconds: float) -> None:
        """Add what an earlier process used of the training that goes on."""
        self.progress = progress
        self._spent(seconds)

    def skip(self, seen: Seen, seconds: float) -> None:
        """Add what earlier processes used up to the end of a training that need not be run again."""
        self._before = max(self._before, seen, key=lambda own: own.rows)
        self._spent(seconds)

    def _spent(self, seconds: float) -> None:
        self._start = min(self._start, time.monotonic() - seconds)
