"""Tables for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from embedtune.reporting.leaderboard import varied

PADDING = 3
"""Characters between two columns."""
ALWAYS_SHOWN = 4
"""Columns that stay however narrow the terminal: rank, trial, state and objective."""

STYLES = {"complete": "green", "pruned": "yellow", "fail": "red", "running": "cyan", "waiting": "dim"}


def make_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> Table:
    """A plain table; every cell is taken as text, never as markup."""
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right", overflow="fold", no_wrap=i > 0)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return table


def leaderboard_table(board: Mapping[str, Any], width: int | None = None) -> Table:
    """The ranked trials, with the untuned base model as the last row.

    Args:
        board: From :func:`embedtune.reporting.leaderboard.leaderboard`.
        width: Characters there are; what does not fit is left out, the Matryoshka weights first. None: no limit.
    """
    keys = varied(board["trials"])
    dims = _dims(board)
    metric = board["objective"]
    columns = [
        "rank",
        "trial",
        "state",
        metric,
        *(f"@{dim}d" for dim in dims),
        "epoch",
        "seconds",
        *map(short_key, keys),
    ]
    rows = [
        [str(rank), str(entry["number"]), *_row(entry, metric, dims, keys)]
        for rank, entry in enumerate(board["trials"], start=1)
    ]
    if board["baseline"]:
        rows.append(["", "untuned", *_row(board["baseline"], metric, dims, keys)])
    shown = _fitting(columns, rows, width)
    states = ", ".join(f"{count} {state}" for state, count in board["states"].items() if count)
    title = f"{board['study']}: {states or 'no trial yet'} of {board['n_trials']}"
    table = make_table([columns[i] for i in shown], [[row[i] for i in shown] for row in rows], title)
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


def print_table(table: Table, console: Console | None = None) -> None:
    """Print to stdout, at full width where it is not a terminal."""
    console = console or stdout_console()
    console.print(table)


def stdout_console() -> Console:
    """The console of stdout; a pipe gets wide lines rather than folded cells."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=240)


def stdout_width() -> int | None:
    """Characters in a line of the terminal on stdout; None where it is none and lines may be long."""
    console = Console(file=sys.__stdout__)  # sys.stdout may be redirected while a command works
    return console.width if console.is_terminal else None


def _row(entry: Mapping[str, Any], metric: str, dims: Sequence[str], keys: Sequence[str]) -> list[Any]:
    values = [_number(entry["metrics"].get(dim, {}).get(metric)) for dim in dims]
    params = [short_value(entry["params"].get(key, "")) for key in keys]
    epoch = "" if entry["best_epoch"] is None else f"{entry['best_epoch']:.3g}"
    state = Text(entry["state"], style=STYLES.get(entry["state"], ""))
    return [state, _number(entry["value"]), *values, epoch, f"{entry['seconds']:.0f}", *params]


def _fitting(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None) -> list[int]:
    """Positions of the columns that fit: from the right the weights go first, then whatever is rightmost."""
    shown = list(range(len(columns)))
    if width is None:
        return shown
    widths = [max(len(str(cell)) for cell in (columns[i], *(row[i] for row in rows))) + PADDING for i in shown]
    while sum(widths[i] for i in shown) > width and len(shown) > ALWAYS_SHOWN:
        weights = [i for i in shown if columns[i].startswith("weight ")]
        shown.remove(weights[-1] if weights else shown[-1])
    return shown


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _dims(board: Mapping[str, Any]) -> list[str]:
    """The dimensions below the one the objective is read at."""
    entries = [*board["trials"], *([board["baseline"]] if board["baseline"] else [])]
    measured = next((list(entry["metrics"]) for entry in entries if entry["metrics"]), [])
    return [dim for dim in measured if dim != str(board["dim"])]
