"""The tables of a card, each from recorded facts to Markdown."""

from __future__ import annotations

from embedtune.records import DatasetFacts
from embedtune.release.card.inputs import CardInputs
from embedtune.release.card.markdown import ABSENT, bold, code, inline, number, short, table

_FLOAT_BYTES = 4
_MILLION = 1_000_000


def metric_table(inputs: CardInputs, dim: int) -> str:
    """Every metric at one dimension, for each split and beside it the untuned base model; the objective is bold."""
    rows = []
    for metric in inputs.metrics:
        row = [metric, *_scores(inputs, dim, metric)]
        rows.append([bold(cell) for cell in row] if metric == inputs.objective else row)
    return table(["Metric", *_split_names(inputs)], rows, "lr")


def dimension_table(inputs: CardInputs) -> str:
    """The objective against the size of an index of float32 embeddings."""
    full, *_ = inputs.dims
    judge = "test" if "test" in inputs.scores else next(iter(inputs.scores))
    rows = [
        [
            str(dim),
            f"{dim * _FLOAT_BYTES * _MILLION:,}",
            *_scores(inputs, dim, inputs.objective),
            _share(inputs.tuned(judge, dim, inputs.objective), inputs.tuned(judge, full, inputs.objective)),
        ]
        for dim in inputs.dims
    ]
    header = ["Dimensions", "Index bytes per million documents", *_split_names(inputs), f"Of full size ({judge})"]
    return table(header, rows, "r")


def log_table(inputs: CardInputs) -> str:
    """The objective of every dimension at every evaluation; the saved checkpoint's row is bold."""
    header = ["Epoch", "Step", "Training Loss", *(f"dim_{dim}_{inputs.objective}" for dim in inputs.dims)]
    rows = []
    for evaluation in inputs.evaluations:
        values = [evaluation.metrics.get(str(dim), {}).get(inputs.objective) for dim in inputs.dims]
        row = [number(evaluation.epoch), str(evaluation.step), number(evaluation.loss), *map(number, values)]
        rows.append([bold(cell) for cell in row] if evaluation.step == inputs.record.best_step else row)
    return table(header, rows, "c")


def statistics_table(dataset: DatasetFacts) -> str:
    """The type of each column and the least, mean and largest number of tokens."""
    details = [
        "<ul>"
        + "".join(f"<li>{kind}: {short(round(float(values[kind]), 2))} tokens</li>" for kind in ("min", "mean", "max"))
        + "</ul>"
        for values in dataset.statistics.values()
    ]
    types = ["string"] * len(dataset.statistics)
    return table(["", *map(inline, dataset.statistics)], [["type", *types], ["details", *details]], "l")


def sample_table(dataset: DatasetFacts) -> str:
    """The first rows."""
    columns = list(dataset.statistics)
    rows = [[code(sample[column]) for column in columns] for sample in dataset.samples[:3]]
    return table([inline(column) for column in columns], rows, "l")


def _scores(inputs: CardInputs, dim: int, metric: str) -> list[str]:
    return [
        number(value)
        for split in inputs.scores
        for value in (inputs.tuned(split, dim, metric), inputs.untuned(split, dim, metric))
    ]


def _split_names(inputs: CardInputs) -> list[str]:
    return [name for split in inputs.scores for name in (inline(split), f"{inline(split)}, untuned")]


def _share(part: float | None, whole: float | None) -> str:
    return f"{part / whole:.1%}" if part is not None and whole else ABSENT
