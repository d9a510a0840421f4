"""Progress while trials run: a live view in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from embedtune.config.redaction import printable
from embedtune.ranking import best, best_first, state_word
from embedtune.records import BASE, Evaluation, SecondObjective, State, StudyDefinition, TrialRecord
from embedtune.reporting.remaining import Under, seconds_left
from embedtune.reporting.tables import STYLES, make_table, memory_text, short_key, short_value
from embedtune.units import duration, size

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

    @property
    def stage(self) -> str:
        """Which of several trainings; empty for the only one."""

    @property
    def memory(self) -> int:
        """Bytes the worker takes; 0: not measured."""


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
        self._second: SecondObjective | None = None
        self._folds = 0
        self._records: dict[int, TrialRecord] = {}
        self._memory: dict[int, int] = {}
        self._n_trials = 0
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

    def study_began(self, definition: StudyDefinition, records: Sequence[TrialRecord]) -> None:
        """Show the study and the trials it already has."""
        self._metric, self._second = definition.objective.metric, definition.objective.second
        self._folds = definition.folds
        self._n_trials = (definition.n_trials or 0) if definition.is_sweep else 0
        budget = f"{self._n_trials} trials" if self._n_trials else "one configuration at a time"
        self._title = f"{definition.name}: {budget} for {self._metric}"
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
            self._memory[number] = progress.memory
            loss = "" if progress.loss is None else f"loss {progress.loss:.3f}"
            name = f"{_name(self._records[number])} {progress.stage}".rstrip()
            self._bars.update(
                self._bar_of[number], description=name, completed=progress.step, total=progress.total_steps, loss=loss
            )
        self._draw()

    def evaluated(self, number: int, evaluation: Evaluation) -> None:
        """Show a new value."""
        record = self._records.get(number)
        if record is None:
            return
        if not self._folds and (record.value is None or evaluation.merit > _merit(record.value, record.second)):
            record = replace(record, value=evaluation.value, second=evaluation.second)
            record = replace(record, best_epoch=evaluation.epoch, metrics=evaluation.metrics)
            self._records[number] = record
        where = f"epoch {evaluation.epoch:.3g} step {evaluation.step}"
        judge = " on validation" if self._folds else ""
        self._line(f"{_name(record)} {where}: {self._metric} {self._values(evaluation)}{judge}")
        self._draw(now=True)

    def fold_ended(self, number: int, fold: str, value: float) -> None:
        """Show the value after a fold."""
        if number in self._records:
            self._records[number] = replace(self._records[number], value=value)
            self._line(f"{_name(self._records[number])} fold {fold}: {self._metric} {value:.4f} so far")
            self._draw(now=True)

    def ended(self, record: TrialRecord) -> None:
        """Show a trial's outcome."""
        self._records[record.number] = record
        self._drop_bar(record.number)
        value = "" if record.value is None else f", best {self._metric} {self._values(record)}"
        reason = f" ({printable(record.reason)})" if record.reason else ""
        outcome = "interrupted" if record.interrupted else f"{record.state.value}{reason}"
        where = ", ".join(filter(None, (self._device(record), self._memory_of(record))))
        self._line(f"{_name(record)} {outcome}{value} in {record.seconds:.0f} s{f' ({where})' if where else ''}")
        if not record.is_baseline and self._n_trials:
            self._line(self._standing())
        self._draw(now=True)

    def _standing(self) -> str:
        """Progress of the study, its best trial and its remaining time."""
        trials = [record for record in self._records.values() if not record.is_baseline]
        ended = [record for record in trials if record.state != State.RUNNING and not record.interrupted]
        parts = [f"{len(ended)} of {self._n_trials} trials done"]
        first = best(ended)
        if first is not None:
            parts.append(f"best {self._metric} {self._values(first)} ({_name(first)})")
        tasks = [task for task in self._bars.tasks if task.id in self._bar_of.values()]
        running = [Under(task.elapsed or 0.0, task.percentage / 100) for task in tasks]
        waiting = max(0, self._n_trials - len(ended) - len(running))
        rest = seconds_left([record.seconds for record in ended if record.seconds], running, waiting)
        if rest and waiting + len(running):
            parts.append(f"about {duration(rest)} left")
        return ", ".join(parts)

    def _device(self, record: TrialRecord) -> str:
        return str(record.facts.get("device") or "")

    def _memory_of(self, record: TrialRecord) -> str:
        used = self._memory.get(record.number)
        return memory_text(record) or (size(used) if used else "")

    def _seconds(self, record: TrialRecord) -> str:
        if record.number in self._bar_of:
            return f"{self._bars.tasks[self._bars.task_ids.index(self._bar_of[record.number])].elapsed or 0:.0f}"
        return f"{record.seconds:.0f}" if record.seconds else ""

    def _values(self, of: Evaluation | TrialRecord) -> str:
        """The value, and the second objective where there is one."""
        if of.value is None:
            return "-"
        if self._second is None or of.second is None:
            return f"{of.value:.4f}"
        return f"{of.value:.4f}, {self._second.label} {self._second.text(of.second)}"

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
            [_name(r), state_word(r), self._values(r),
             "" if r.best_epoch is None else f"{r.best_epoch:.3g}", self._seconds(r), self._device(r),
             self._memory_of(r)]
            for r in shown
        ]  # fmt: skip
        table = make_table(
            ["trial", "state", self._metric, "epoch", "seconds", "device", "memory"], rows, self._title or None
        )
        if self._n_trials:
            table.caption, table.caption_justify = self._standing(), "left"
        for row, record in zip(table.rows, shown, strict=True):
            row.style = STYLES[record.state.value] if record.state != State.COMPLETE else None
        return table


def _merit(value: float, second: float | None) -> float:
    """The figure by which evaluations are compared, see ``Evaluation.merit``."""
    return value if second is None else (value + second) / 2


def _name(record: TrialRecord) -> str:
    return f"untuned {record.facts.get(BASE, '')}".rstrip() if record.is_baseline else f"trial {record.number}"
