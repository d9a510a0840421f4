"""The ranked table: columns and cells as text. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from embedtune.ranking import best_first, second_label, second_text, state_word
from embedtune.records import TrialRecord
from embedtune.reporting.page.inputs import ReportInputs
from embedtune.reporting.tables import short_key, short_value
from embedtune.units import clip, duration


@dataclass(frozen=True)
class Column:
    """A column: its heading, and in full what it stands for."""

    label: str
    title: str
    numeric: bool = True


_INTERVAL = Column("95 % interval", "of the objective, by bootstrap over groups of queries that share a passage")


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
        Column(
            "rank",
            "the front first, then by the objective" if inputs.pareto_front else "by the objective, largest first",
        ),
        Column("trial", "number of the trial", numeric=False),
        Column("state", "how it ended", numeric=False),
        *_objectives(inputs),
        *([_INTERVAL] if inputs.intervals else []),
        *(_at(dim, inputs) for dim in dims),
        Column("epoch", "of the best evaluation"),
        Column("time", "from start to end, evaluations included"),
        *(Column(short_key(key), key) for key in inputs.keys),
        Column("reason", "why it was pruned or failed", numeric=False),
    )
    best = {record.number for record in inputs.pareto_front or inputs.ranked[:1]}
    ranked = {record.number: rank for rank, record in enumerate(inputs.ranked, start=1)}
    rows = [
        Row(
            record.state.value,
            (str(ranked.get(record.number, "")), str(record.number), *_cells(record, dims, inputs)),
            best=record.number in best,
        )
        for record in best_first(inputs.records)
    ]
    if inputs.baseline is not None:
        cells = ("", "untuned", *_cells(inputs.baseline, dims, inputs))
        rows.append(Row(inputs.baseline.state.value, cells, baseline=True))
    return Ranking(columns, tuple(rows))


def _objectives(inputs: ReportInputs) -> list[Column]:
    """The objective, and the second one where there is one."""
    if inputs.folds:
        what = f"the objective at {inputs.dim} dimensions: each training query by a model not trained on it"
        return [Column(f"{inputs.metric} in {inputs.folds} folds", what)]
    if inputs.second is None:
        return [Column(inputs.metric, f"the objective at {inputs.dim} dimensions, at the best evaluation")]
    if inputs.second == "dimension":
        size = Column("dimension", "the second objective: the size of the embedding, the smaller the better")
        return [Column(inputs.metric, "the objective at the trial's own dimension, at the best evaluation"), size]
    second = Column(second_label(inputs.second), f"the second objective: the first at {inputs.second} dimensions")
    return [Column(inputs.metric, f"the first objective, at {inputs.dim} dimensions, at the best evaluation"), second]


def _at(dim: str, inputs: ReportInputs) -> Column:
    """A size beside the objective's."""
    if inputs.folds:
        return Column(f"validation @{dim}d", f"{inputs.metric} of the final model at {dim} dimensions")
    return Column(f"@{dim}d", f"{inputs.metric} at {dim} dimensions")


def _cells(record: TrialRecord, dims: list[str], inputs: ReportInputs) -> list[str]:
    return [
        state_word(record),
        _score(record.value),
        *([second_text(record) or "–"] if inputs.second is not None else []),
        *([_interval(inputs.intervals.get(record.number))] if inputs.intervals else []),
        *(_score(record.metrics.get(dim, {}).get(inputs.metric)) for dim in dims),
        "" if record.best_epoch is None else f"{record.best_epoch:.3g}",
        duration(record.seconds) if record.seconds else "",
        *(short_value(record.params.get(key, "–" if record.params else "")) for key in inputs.keys),
        clip(record.reason or "", 160),
    ]


def _interval(bounds: tuple[float, float] | None) -> str:
    return "–" if bounds is None else f"{bounds[0]:.3f}–{bounds[1]:.3f}"


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _dims(inputs: ReportInputs) -> list[str]:
    """The sizes measured beside the objective's, largest first."""
    records = [*inputs.records, *([inputs.baseline] if inputs.baseline else [])]
    sizes = {int(dim) for record in records for dim in record.metrics}
    read = set() if inputs.folds or inputs.second == "dimension" else {inputs.dim, inputs.second}
    return [str(dim) for dim in sorted(sizes - read, reverse=True)]
