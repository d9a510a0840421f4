"""The ranked table: columns and cells as text. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from embedtune.ranking import state_word
from embedtune.reporting.leaderboard import Entry
from embedtune.reporting.page.inputs import ReportInputs
from embedtune.reporting.tables import MODEL_COLUMNS, amount_text, memory_text, short_key, short_value
from embedtune.units import clip, duration


@dataclass(frozen=True)
class Column:
    """A column: its heading, and in full what it stands for."""

    label: str
    title: str
    numeric: bool = True


_INTERVAL = Column("95 % interval", "of the objective, by bootstrap over groups of queries that share a passage")
_MEMORY = Column("memory", "what the trial took of the device at most, or of main memory without one")


_TITLES = (
    "values of an embedding at full size",
    "of the model",
    "embedded by its evaluations, in the median, on the device of the trial",
)
_MODEL = [Column(label, title) for label, title in zip(MODEL_COLUMNS, _TITLES, strict=True)]


@dataclass(frozen=True)
class Row:
    """A trial: its cells, and its state for the row's look."""

    state: str
    cells: tuple[str, ...]
    best: bool = False
    baseline: bool = False


@dataclass(frozen=True)
class TrialTable:
    """The trials, best first, the untuned base model last."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def trial_table(inputs: ReportInputs) -> TrialTable:
    """Rank the trials of a study."""
    board, dims = inputs.board, _dims(inputs)
    order = "the front first, then by the objective" if inputs.pareto_front else "by the objective, largest first"
    columns = (
        Column("rank", order),
        Column("trial", "number of the trial", numeric=False),
        Column("state", "how it ended", numeric=False),
        *_objectives(inputs),
        *([_INTERVAL] if _has_intervals(inputs) else []),
        *(_at(dim, inputs) for dim in dims),
        *(_MODEL if board.bases_differ else []),
        Column("epoch", "of the best evaluation"),
        Column("time", "from start to end, evaluations included"),
        *([_MEMORY] if _has_memory(inputs) else []),
        *(Column(short_key(key), key) for key in inputs.keys),
        Column("reason", "why it was pruned or failed", numeric=False),
    )
    best = {record.number for record in inputs.pareto_front or inputs.ranked[:1]}
    ranked = {record.number: str(rank) for rank, record in enumerate(inputs.ranked, start=1)}
    rows = tuple(
        Row(
            entry.record.state.value,
            (ranked.get(entry.number, ""), board.label(entry), *_cells(entry, dims, inputs)),
            best=entry.number in best,
            baseline=entry.record.is_baseline,
        )
        for entry in board.entries
    )
    return TrialTable(columns, rows)


def _objectives(inputs: ReportInputs) -> list[Column]:
    """The objective, and the second one where there is one."""
    if inputs.folds:
        what = f"the objective at {inputs.dim} dimensions: each training query by a model not trained on it"
        return [Column(f"{inputs.metric} in {inputs.folds} folds", what)]
    if inputs.second is None:
        return [Column(inputs.metric, f"the objective at {inputs.dim} dimensions, at the best evaluation")]
    if inputs.second.dim is None:
        size = Column(inputs.second.label, "the second objective: the size of the embedding, the smaller the better")
        return [Column(inputs.metric, "the objective at the trial's own dimension, at the best evaluation"), size]
    second = Column(inputs.second.label, f"the second objective: the first at {inputs.second.dim} dimensions")
    return [Column(inputs.metric, f"the first objective, at {inputs.dim} dimensions, at the best evaluation"), second]


def _at(dim: str, inputs: ReportInputs) -> Column:
    """A size beside the objective's."""
    if inputs.folds:
        return Column(f"validation @{dim}d", f"{inputs.metric} of the final model at {dim} dimensions")
    return Column(f"@{dim}d", f"{inputs.metric} at {dim} dimensions")


def _cells(entry: Entry, dims: list[str], inputs: ReportInputs) -> list[str]:
    record, second = entry.record, inputs.second
    return [
        state_word(record),
        _score(record.value),
        *([] if second is None else [second.text(record.second) or "–"]),
        *([_interval(entry)] if _has_intervals(inputs) else []),
        *(_score(record.metrics.get(dim, {}).get(inputs.metric)) for dim in dims),
        *([amount_text(record, fact) for fact in MODEL_COLUMNS.values()] if inputs.board.bases_differ else []),
        "" if record.best_epoch is None else f"{record.best_epoch:.3g}",
        duration(record.seconds) if record.seconds else "",
        *([memory_text(record)] if _has_memory(inputs) else []),
        *(short_value(record.params.get(key, "–" if record.params else "")) for key in inputs.keys),
        clip(record.reason or "", 160),
    ]


def _has_intervals(inputs: ReportInputs) -> bool:
    return any(entry.interval is not None for entry in inputs.board.entries)


def _has_memory(inputs: ReportInputs) -> bool:
    return any(memory_text(entry.record) for entry in inputs.board.entries)


def _interval(entry: Entry) -> str:
    return "–" if entry.interval is None else "{:.3f}–{:.3f}".format(*entry.interval)


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _dims(inputs: ReportInputs) -> list[str]:
    """The sizes measured beside the objective's, largest first."""
    sizes = {int(dim) for entry in inputs.board.entries for dim in entry.record.metrics}
    second = inputs.second
    own = inputs.folds or (second is not None and second.is_size)  # folds, and sizes of trials, are read elsewhere
    read = set() if own else {inputs.dim, second and second.dim}
    return [str(dim) for dim in sorted(sizes - read, reverse=True)]
