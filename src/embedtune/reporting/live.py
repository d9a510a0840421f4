"""What a person sees while trials run: a live view in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from embedtune.records import Evaluation, State, TrialRecord
from embedtune.reporting.leaderboard import best_first
from embedtune.reporting.tables import STYLES, make_table, short_key, short_value

SHOWN = 12
"""Rows of the live table; the terminal's height is not ours alone."""


class Step(Protocol):
    """The part of a training's progress that is shown."""

    @property
    def step(self) -> int:
        """Optimiser steps done."""

    @property
    def total_steps(self) -> int:
        """Steps of the whole trial."""

    @property
    def epoch(self) -> float:
        """Epochs done."""

    @property
    def loss(self) -> float | None:
        """Mean training loss."""


class View:
    """Follows the trials of a study, those of all its workers; use it as a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(), console=self._console,
        )  # fmt: skip
        self._bar_of: dict[int, TaskID] = {}
        self._title, self._metric = "", "value"
        self._records: dict[int, TrialRecord] = {}
        self._drawn = 0.0

    def __enter__(self) -> View:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            for number in list(self._bar_of):
                self._drop_bar(number)
            self._draw(now=True)
            self._live.stop()

    def study_began(self, definition: Mapping[str, Any], records: Sequence[TrialRecord]) -> None:
        """Show the study and the trials it already has."""
        self._metric = definition["objective"]
        budget = f"{definition['n_trials']} trials" if definition["kind"] == "sweep" else "one configuration at a time"
        self._title = f"{definition['name']}: {budget} for {self._metric}"
        self._records = {record.number: record for record in records if record.state != State.RUNNING}
        done = f" ({len(self._records)} done)" if self._records else ""
        self._line(f"study {self._title}{done}")

    def began(self, record: TrialRecord) -> None:
        """Show that a trial runs."""
        self._records[record.number] = record
        params = ", ".join(f"{short_key(key)}={short_value(value)}" for key, value in record.params.items())
        self._line(f"{_name(record)} begins{': ' + params if params else ''}")
        self._drop_bar(record.number)
        self._bar_of[record.number] = self._bars.add_task(_name(record), total=None, loss="")
        self._draw(now=True)

    def stepped(self, number: int, progress: Step) -> None:
        """Move the trial's bar."""
        if number in self._bar_of:
            loss = "" if progress.loss is None else f"loss {progress.loss:.3f}"
            self._bars.update(self._bar_of[number], completed=progress.step, total=progress.total_steps, loss=loss)
        self._draw()

    def evaluated(self, number: int, evaluation: Evaluation) -> None:
        """Show a new value."""
        record = self._records.get(number)
        if record is None:
            return
        if record.value is None or evaluation.value > record.value:
            record = replace(record, value=evaluation.value, best_epoch=evaluation.epoch, metrics=evaluation.metrics)
            self._records[number] = record
        where = f"epoch {evaluation.epoch:.3g} step {evaluation.step}"
        self._line(f"{_name(record)} {where}: {self._metric} {evaluation.value:.4f}")
        self._draw(now=True)

    def ended(self, record: TrialRecord) -> None:
        """Show a trial's outcome."""
        self._records[record.number] = record
        self._drop_bar(record.number)
        value = "" if record.value is None else f", best {self._metric} {record.value:.4f}"
        reason = f" ({record.reason})" if record.reason else ""
        outcome = "interrupted" if str(record.reason).startswith("interrupted") else f"{record.state.value}{reason}"
        self._line(f"{_name(record)} {outcome}{value} in {record.seconds:.0f} s")
        self._draw(now=True)

    def _drop_bar(self, number: int) -> None:
        if number in self._bar_of:
            self._bars.remove_task(self._bar_of.pop(number))

    def _line(self, text: str) -> None:
        if not self._live:
            self._console.print(text, markup=False, soft_wrap=True)

    def _draw(self, *, now: bool = False) -> None:
        if self._live and (now or time.monotonic() - self._drawn > 0.2):
            self._drawn = time.monotonic()
            self._live.update(Group(self._table(), self._bars), refresh=True)

    def _table(self) -> Table:
        records = list(self._records.values())
        running = [record for record in records if record.state == State.RUNNING]
        ended = best_first(record for record in records if record not in running and not record.is_baseline)
        baseline = [record for record in records if record not in running and record.is_baseline]
        shown = [*running, *ended[:SHOWN], *baseline]
        rows = [
            [_name(r), r.state.value, "-" if r.value is None else f"{r.value:.4f}",
             "" if r.best_epoch is None else f"{r.best_epoch:.3g}", f"{r.seconds:.0f}" if r.seconds else ""]
            for r in shown
        ]  # fmt: skip
        table = make_table(["trial", "state", self._metric, "epoch", "seconds"], rows, self._title or None)
        for row, record in zip(table.rows, shown, strict=True):
            row.style = STYLES[record.state.value] if record.state != State.COMPLETE else None
        return table


def _name(record: TrialRecord) -> str:
    return "untuned" if record.is_baseline else f"trial {record.number}"
