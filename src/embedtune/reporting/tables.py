"""Tables for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from embedtune.ranking import second_label
from embedtune.reporting.leaderboard import varied

PADDING = 3
"""Characters between two columns."""
ALWAYS_SHOWN = 4
"""Columns that stay however narrow the terminal: rank, trial, state and objective; a second objective stays too."""

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
        f"{metric} in {board['folds']} folds" if board["folds"] else metric,
        *_second_columns(board),
        *_interval_columns(board),
        *(f"validation @{dim}d" if board["folds"] else f"@{dim}d" for dim in dims),
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
    shown = _fitting(columns, rows, width, ALWAYS_SHOWN + len(_second_columns(board)))
    states = ", ".join(f"{count} {state}" for state, count in board["states"].items() if count)
    front = f"; {len(board['front'])} on the front" if "front" in board else ""
    title = f"{board['study']}: {states or 'no trial yet'} of {board['n_trials']}{front}"
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
    absent = "-" if entry["params"] else ""
    params = [short_value(entry["params"].get(key, absent)) for key in keys]
    epoch = "" if entry["best_epoch"] is None else f"{entry['best_epoch']:.3g}"
    seconds = f"{entry['seconds']:.0f}"
    state = Text(entry["state"] if entry["feasible"] else "infeasible", style=STYLES.get(entry["state"], ""))
    judged = [_number(entry["value"]), *_second_cells(entry), *_interval_cells(entry)]
    return [state, *judged, *values, epoch, seconds, *params]


def _fitting(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None, always: int) -> list[int]:
    """Positions of the columns that fit: from the right the weights go first, then whatever is rightmost."""
    shown = list(range(len(columns)))
    if width is None:
        return shown
    widths = [max(len(str(cell)) for cell in (columns[i], *(row[i] for row in rows))) + PADDING for i in shown]
    while sum(widths[i] for i in shown) > width and len(shown) > always:
        weights = [i for i in shown if columns[i].startswith("weight ")]
        shown.remove(weights[-1] if weights else shown[-1])
    return shown


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _dims(board: Mapping[str, Any]) -> list[str]:
    """The dimensions beside those the objectives are read at; folds are another reading of the same one."""
    read = set() if board["folds"] else {str(board["dim"])}
    if "objectives" in board:
        read = {str(objective["dim"]) for objective in board["objectives"]}
    entries = [*board["trials"], *([board["baseline"]] if board["baseline"] else [])]
    measured = next((list(entry["metrics"]) for entry in entries if entry["metrics"]), [])
    return [dim for dim in measured if dim not in read]


def _second_columns(board: Mapping[str, Any]) -> list[str]:
    """The second objective, and whether a trial is on the front; nothing with one objective."""
    if "objectives" not in board:
        return []
    return [second_label(board["objectives"][1]["dim"]), "front"]


def _interval_columns(board: Mapping[str, Any]) -> list[str]:
    """The interval of the objective, where the scores of the queries are known."""
    return ["95 % interval"] if any("interval" in entry for entry in board["trials"]) else []


def _interval_cells(entry: Mapping[str, Any]) -> list[str]:
    if "interval" not in entry:
        return []
    return ["" if entry["interval"] is None else "{:.3f}–{:.3f}".format(*entry["interval"])]


def _second_cells(entry: Mapping[str, Any]) -> list[str]:
    if "values" not in entry:
        return []
    second = entry["values"][1]
    return [str(second) if isinstance(second, int) else _number(second), "yes" if entry["front"] else ""]
