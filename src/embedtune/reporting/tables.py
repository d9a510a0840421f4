"""Tables for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from embedtune.ranking import is_scored, state_word
from embedtune.records import EMBEDDING_SIZE, PARAMETERS, PASSAGES_PER_SECOND, TrialRecord
from embedtune.reporting.leaderboard import Board, Entry, searched_keys
from embedtune.units import amount, size

PADDING = 3
"""Characters between two columns."""
ALWAYS_SHOWN = 4
"""Columns that stay however narrow the terminal: rank, trial, state and objective; a second objective stays too."""

MODEL_COLUMNS = {"size": EMBEDDING_SIZE, "parameters": PARAMETERS, "passages/s": PASSAGES_PER_SECOND}
"""Heading -> fact: what a model costs to use, shown where models differ in size."""

STYLES = {"complete": "green", "pruned": "yellow", "fail": "red", "running": "cyan", "waiting": "dim"}


def make_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> Table:
    """A plain table; every cell is taken as text, never as markup."""
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right", overflow="fold", no_wrap=i > 0)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return table


@dataclass(frozen=True)
class Column:
    """A column of the leaderboard: its heading, and the cell of an entry."""

    heading: str
    cell: Callable[[Entry], str | Text]


def leaderboard_table(board: Board, width: int | None = None) -> Table:
    """The ranked trials, with the untuned base models as the last rows.

    Args:
        board: Of the study.
        width: Characters there are; what does not fit is left out, the Matryoshka weights first. None: no limit.
    """
    columns = [*_names(board), *_scores(board), *_costs(board), *_params(board)]
    second = board.definition.objective.second
    shown = _fitting(columns, board.entries, width, ALWAYS_SHOWN + (2 if second else 0))
    states = ", ".join(f"{count} {state}" for state, count in board.states.items() if count)
    front = f"; {sum(entry.on_front for entry in board.trials)} on the front" if second else ""
    title = f"{board.definition.name}: {states or 'no trial yet'} of {board.n_trials}{front}"
    rows = [[column.cell(entry) for column in shown] for entry in board.entries]
    table = make_table([column.heading for column in shown], rows, title)
    if len(shown) < len(columns):
        table.caption = f"{len(columns) - len(shown)} columns do not fit; see format=json or the report."
        table.caption_justify = "left"
    return table


def metrics_table(scores: Mapping[str, Mapping[str, float]], title: str) -> Table:
    """Every metric of every dimension."""
    dims = list(scores)
    names = list(next(iter(scores.values())))
    return make_table(
        ["metric", *dims], [[name, *(f"{scores[dim][name]:.4f}" for dim in dims)] for name in names], title
    )


def short_key(key: str) -> str:
    """A config key without the parts every row shares: ``train.learning_rate`` is ``learning_rate``."""
    return key.removeprefix("train.").replace("loss.matryoshka.weights.", "weight ").removeprefix("loss.")


def short_value(value: Any) -> str:
    """A parameter's value in at most five characters or so."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def memory_text(record: TrialRecord) -> str:
    """How much memory a trial took at most; empty where nobody measured it."""
    used = record.facts.get("peak_memory_bytes")
    return size(used) if used else ""


def amount_text(record: TrialRecord, fact: str) -> str:
    """A fact that is an amount, such as 22.7M parameters; empty where it is not known."""
    value = record.facts.get(fact)
    return "" if value is None else amount(value)


def prompt_lines(prompts: Mapping[str, str | None]) -> list[str]:
    """What a model reads before each text, a line for each role that has a prompt, or may have one (None)."""
    said = {role: "the model's own" if prompt is None else repr(prompt) for role, prompt in prompts.items()}
    return [f"Prompt of a {role}: {text}" for role, text in said.items() if prompts[role] != ""]


def stdout_console() -> Console:
    """The console of stdout; a pipe gets wide lines rather than folded cells."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=500)


def stdout_width() -> int | None:
    """Characters in a line of the terminal on stdout; None where it is none and lines may be long."""
    console = Console(file=sys.__stdout__)  # sys.stdout may be redirected while a command works
    return console.width if console.is_terminal else None


def _names(board: Board) -> list[Column]:
    ranks = {entry.number: str(rank) for rank, entry in enumerate(board.trials, start=1) if is_scored(entry.record)}
    return [
        Column("rank", lambda entry: ranks.get(entry.number, "")),
        Column("trial", board.label),
        Column("state", lambda entry: Text(state_word(entry.record), style=STYLES.get(entry.record.state, ""))),
    ]


def _scores(board: Board) -> Iterator[Column]:
    """The objectives with their interval where it is known, then the metric at the other dimensions."""
    metric, folds, second = board.metric, board.definition.folds, board.definition.objective.second
    yield Column(f"{metric} in {folds} folds" if folds else metric, lambda entry: _number(entry.record.value))
    if second is not None:
        yield Column(second.label, lambda entry: second.text(entry.record.second) or "-")
        yield Column("front", lambda entry: "yes" if entry.on_front else "")
    if board.certainty is not None:
        yield Column("95 % interval", lambda entry: "{:.3f}–{:.3f}".format(*entry.interval) if entry.interval else "")
    for dim in _dims(board):
        yield _at(dim, metric, f"validation @{dim}d" if folds else f"@{dim}d")


def _at(dim: str, metric: str, heading: str) -> Column:
    return Column(heading, lambda entry: _number(entry.record.metrics.get(dim, {}).get(metric)))


def _costs(board: Board) -> Iterator[Column]:
    """Columns for the cost of a score, as far as it was measured."""
    if board.bases_differ:
        yield from (Column(name, partial(_fact, fact)) for name, fact in MODEL_COLUMNS.items())
    yield Column("epoch", lambda entry: "" if entry.record.best_epoch is None else f"{entry.record.best_epoch:.3g}")
    yield Column("seconds", lambda entry: f"{entry.record.seconds:.0f}")
    if any(memory_text(entry.record) for entry in board.entries):
        yield Column("memory", lambda entry: memory_text(entry.record))


def _fact(fact: str, entry: Entry) -> str:
    return amount_text(entry.record, fact)


def _params(board: Board) -> list[Column]:
    return [Column(short_key(key), partial(_param, key)) for key in searched_keys(board.trials)]


def _param(key: str, entry: Entry) -> str:
    params = entry.record.params
    return short_value(params.get(key, "-" if params else ""))


def _fitting(columns: Sequence[Column], entries: Sequence[Entry], width: int | None, always: int) -> list[Column]:
    """The columns that fit: from the right the weights go first, then whatever is rightmost."""
    shown = list(columns)
    if width is None:
        return shown
    widths = {
        column.heading: max(len(text) for text in (column.heading, *(str(column.cell(entry)) for entry in entries)))
        for column in columns
    }
    while sum(widths[column.heading] + PADDING for column in shown) > width and len(shown) > always:
        weights = [column for column in shown if column.heading.startswith("weight ")]
        shown.remove(weights[-1] if weights else shown[-1])
    return shown


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _dims(board: Board) -> list[str]:
    """The dimensions beside those the objectives are read at; folds are another reading of the same one."""
    objective, read = board.definition.objective, set()
    if objective.second is None:
        read = set() if board.definition.folds else {str(objective.dim)}
    elif not objective.second.is_size:
        read = {str(objective.dim), str(objective.second.dim)}
    measured = next((list(entry.record.metrics) for entry in board.entries if entry.record.metrics), [])
    return [dim for dim in measured if dim not in read]
