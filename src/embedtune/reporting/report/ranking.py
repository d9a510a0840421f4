"""The ranked table: columns and cells as text. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from embedtune.records import TrialRecord
from embedtune.reporting.leaderboard import best_first
from embedtune.reporting.report.inputs import ReportInputs
from embedtune.reporting.report.words import clip, duration
from embedtune.reporting.tables import short_key, short_value


@dataclass(frozen=True)
class Column:
    """A column: its heading, and in full what it stands for."""

    label: str
    title: str
    numeric: bool = True


@dataclass(frozen=True)
class Row:
    """A trial: its cells, and its state for the row's look."""

    state: str
    cells: tuple[str, ...]
    best: bool = False
    baseline: bool = False


@dataclass(frozen=True)
class Ranking:
    """The trials, best first, the untuned base model last."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def rank_rows(inputs: ReportInputs) -> Ranking:
    """Rank the trials of a study."""
    dims = _dims(inputs)
    columns = (
        Column("rank", "by the objective, largest first"),
        Column("trial", "number of the trial", numeric=False),
        Column("state", "how it ended", numeric=False),
        Column(inputs.metric, f"the objective at {inputs.dim} dimensions, at the best evaluation"),
        *(Column(f"@{dim}d", f"{inputs.metric} at {dim} dimensions") for dim in dims),
        Column("epoch", "of the best evaluation"),
        Column("time", "from start to end, evaluations included"),
        *(Column(short_key(key), key) for key in inputs.keys),
        Column("reason", "why it was pruned or failed", numeric=False),
    )
    best = inputs.best
    ranked = {record.number: rank for rank, record in enumerate(inputs.ranked, start=1)}
    rows = [
        Row(
            record.state.value,
            (str(ranked.get(record.number, "")), str(record.number), *_cells(record, dims, inputs)),
            best=best is not None and record.number == best.number,
        )
        for record in best_first(inputs.records)
    ]
    if inputs.baseline is not None:
        cells = ("", "untuned", *_cells(inputs.baseline, dims, inputs))
        rows.append(Row(inputs.baseline.state.value, cells, baseline=True))
    return Ranking(columns, tuple(rows))


def _cells(record: TrialRecord, dims: list[str], inputs: ReportInputs) -> list[str]:
    return [
        record.state.value,
        _score(record.value),
        *(_score(record.metrics.get(dim, {}).get(inputs.metric)) for dim in dims),
        "" if record.best_epoch is None else f"{record.best_epoch:.3g}",
        duration(record.seconds) if record.seconds else "",
        *(short_value(record.params[key]) if key in record.params else "" for key in inputs.keys),
        clip(record.reason or "", 160),
    ]


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _dims(inputs: ReportInputs) -> list[str]:
    """The sizes measured beside the objective's, largest first."""
    records = [*inputs.records, *([inputs.baseline] if inputs.baseline else [])]
    sizes = {int(dim) for record in records for dim in record.metrics}
    return [str(dim) for dim in sorted(sizes - {inputs.dim}, reverse=True)]
