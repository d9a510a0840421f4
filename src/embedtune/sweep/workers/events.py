"""Events that a worker process sends to its supervisor: the calls of a watcher, one JSON line each."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any, TextIO

from embedtune.records import Evaluation, TrialRecord
from embedtune.training import Progress
from embedtune.trial.watching import Watcher

STEP_INTERVAL = 0.2
"""Seconds between two lines about steps; a person cannot read more."""


class EventWriter:
    """A watcher that writes every call as a line; without a reader it raises KeyboardInterrupt."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._written = 0.0

    def began(self, record: TrialRecord) -> None:
        """Write that a trial starts."""
        self._write("began", record=record.to_dict())

    def stepped(self, number: int, progress: Progress) -> None:
        """Write a step, unless one was written just now."""
        if time.monotonic() - self._written >= STEP_INTERVAL:
            self._written = time.monotonic()
            self._write("stepped", number=number, progress=asdict(progress))

    def evaluated(self, number: int, evaluation: Evaluation) -> None:
        """Write an evaluation."""
        self._write("evaluated", number=number, evaluation=asdict(evaluation))

    def fold_ended(self, number: int, fold: str, value: float) -> None:
        """Write that a fold is scored."""
        self._write("fold_ended", number=number, fold=fold, value=value)

    def ended(self, record: TrialRecord) -> None:
        """Write a trial's outcome."""
        self._write("ended", record=record.to_dict())

    def _write(self, event: str, **values: Any) -> None:
        try:
            self._out.write(json.dumps({"event": event, **values}, ensure_ascii=False) + "\n")
            self._out.flush()
        except BrokenPipeError:  # the supervisor died, and its signal to stop is still on its way
            raise KeyboardInterrupt from None


def replay(line: str, watcher: Watcher) -> str | None:
    """Make the call a line stands for.

    Returns:
        The event's name; None for a line that is not an event, such as one torn by the death of its writer.
    """
    try:
        values = json.loads(line)
        event = values.pop("event")
    except (ValueError, AttributeError, KeyError, TypeError):
        return None
    if event in ("began", "ended"):
        getattr(watcher, event)(TrialRecord.from_dict(values["record"]))
    elif event == "stepped":
        watcher.stepped(values["number"], Progress(**values["progress"]))
    elif event == "evaluated":
        watcher.evaluated(values["number"], Evaluation(**values["evaluation"]))
    elif event == "fold_ended":
        watcher.fold_ended(**values)
    else:
        return None
    return str(event)
