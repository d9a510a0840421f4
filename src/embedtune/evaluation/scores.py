"""Per-query scores as Parquet: one row per query and dimension, with the query's group and a column per metric."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from embedtune.errors import DataError
from embedtune.machine.files import read_regular
from embedtune.paths import TrialPaths, write_atomic
from embedtune.records import RetrievalScores

_LARGEST, _MOST_ROWS = 2 << 30, 50_000_000
"""Bytes, packed and unpacked, and rows of a file of scores."""

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
        return _scores(_table(path, metric))
    except (OSError, KeyError, ValueError, TypeError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path} must be per-query scores in Parquet, but got {reason}. Evaluate again.") from error


def _table(path: Path, metric: str | None) -> pa.Table:
    """The content of the file, once its metadata show a plausible size."""
    content = pa.BufferReader(read_regular(path, _LARGEST))
    with pq.ParquetFile(content) as file:
        groups = (file.metadata.row_group(number) for number in range(file.metadata.num_row_groups))
        if sum(group.total_byte_size for group in groups) > _LARGEST or file.metadata.num_rows > _MOST_ROWS:
            raise ValueError(f"more than {_LARGEST:,} bytes or {_MOST_ROWS:,} rows")
        found: pa.Table = file.read(columns=None if metric is None else [*_KEYS, metric])
    names = {"query_id": pa.string(), "dim": pa.int32(), "group": pa.int32()}
    wanted = pa.schema([(name, names.get(name, pa.float64())) for name in found.column_names])
    if found.schema.names != wanted.names or any(found.schema.field(own.name).type != own.type for own in wanted):
        raise ValueError(f"columns {', '.join(f'{own.name}: {own.type}' for own in found.schema)}")
    if metric is not None and metric not in found.column_names:
        raise ValueError(f"no column {metric}")
    return found


def _scores(table: pa.Table) -> RetrievalScores:
    """The scores of a table, in which every dimension has the same queries in the same order."""
    dims, ids = table["dim"].to_numpy(), table["query_id"].to_pylist()
    columns = {name: table[name].to_numpy() for name in table.column_names if name not in _KEYS}
    sizes, query_ids = dict.fromkeys(dims.tolist()), tuple(dict.fromkeys(ids))
    if (
        not columns
        or not query_ids
        or ids != list(query_ids) * len(sizes)
        or None in query_ids
        or table["dim"].null_count
    ):
        raise ValueError("rows that are not one of each query for each dimension")
    groups = table["group"].to_pylist() if "group" in table.column_names else []
    if None in groups:
        raise ValueError("queries without a group")
    return RetrievalScores(
        query_ids=query_ids,
        per_query={dim: {name: values[dims == dim] for name, values in columns.items()} for dim in sizes},
        group_of=tuple(groups[: len(query_ids)]),
    )
