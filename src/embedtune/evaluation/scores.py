"""Per-query scores as Parquet: one row per query and dimension, with the query's group and a column per metric."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from embedtune.errors import DataError
from embedtune.paths import TrialPaths, write_atomic
from embedtune.records import RetrievalScores

_KEYS = ("query_id", "dim", "group")
"""Columns that are no metric."""


def write_scores(scores: RetrievalScores, path: Path) -> None:
    """Write ``query_id``, ``dim``, ``group`` if it is known, and a column per metric; the file is whole or absent."""
    groups = {"group": pa.array(scores.group_of, pa.int32())} if scores.group_of else {}
    tables = [
        pa.table(
            {
                "query_id": pa.array(scores.query_ids, pa.string()),
                "dim": pa.array([dim] * len(scores.query_ids), pa.int32()),
                **groups,
                **{name: pa.array(values, pa.float64()) for name, values in metrics.items()},
            }
        )
        for dim, metrics in scores.per_query.items()
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.concat_tables(tables), sink, compression="zstd")
    write_atomic(path, sink.getvalue().to_pybytes())


def read_judged(trial: TrialPaths, metric: str | None = None) -> RetrievalScores:
    """The scores whose mean is a trial's value: of the training queries with ``eval.folds``, else of validation.

    Raises:
        DataError: As :func:`read_scores`.
    """
    return read_scores(trial.folds if trial.folds.is_file() else trial.scores, metric)


def read_scores(path: Path, metric: str | None = None) -> RetrievalScores:
    """The inverse of :func:`write_scores`, orders of queries, dimensions and metrics included.

    Args:
        path: The file.
        metric: Read this one alone, which is quicker; None reads all.

    Raises:
        DataError: The file is missing or is not one that :func:`write_scores` wrote.
    """
    try:
        with pq.ParquetFile(path) as file:
            table = file.read(columns=None if metric is None else [*_KEYS, metric])
        dims = table["dim"].to_numpy()
        ids = table["query_id"].to_pylist()
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DataError(
            f"{path} must be per-query scores in Parquet, but got {str(error).splitlines()[0]}. Evaluate again."
        ) from error
    columns = {name: table[name].to_numpy() for name in table.column_names if name not in _KEYS}
    sizes = dict.fromkeys(dims.tolist())
    query_ids = tuple(dict.fromkeys(ids))
    groups = table["group"].to_pylist() if "group" in table.column_names else []
    return RetrievalScores(
        query_ids=query_ids,
        per_query={dim: {name: values[dims == dim] for name, values in columns.items()} for dim in sizes},
        group_of=tuple(groups[: len(query_ids)]),
    )
