"""Per-query scores as Parquet: one row per query and dimension, one column per metric."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from embedtune.errors import DataError
from embedtune.paths import write_atomic
from embedtune.records import RetrievalScores


def write_scores(scores: RetrievalScores, path: Path) -> None:
    """Write ``query_id``, ``dim`` and a column per metric; the file is whole or absent."""
    tables = [
        pa.table(
            {
                "query_id": pa.array(scores.query_ids, pa.string()),
                "dim": pa.array([dim] * len(scores.query_ids), pa.int32()),
                **{name: pa.array(values, pa.float64()) for name, values in metrics.items()},
            }
        )
        for dim, metrics in scores.per_query.items()
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.concat_tables(tables), sink, compression="zstd")
    write_atomic(path, sink.getvalue().to_pybytes())


def read_scores(path: Path) -> RetrievalScores:
    """The inverse of :func:`write_scores`, orders of queries, dimensions and metrics included.

    Raises:
        DataError: The file is missing or is not one that :func:`write_scores` wrote.
    """
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
        dims = table["dim"].to_numpy()
        ids = table["query_id"].to_pylist()
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DataError(
            f"{path} must be per-query scores in Parquet, but got {str(error).splitlines()[0]}. Evaluate again."
        ) from error
    columns = {name: table[name].to_numpy() for name in table.column_names if name not in ("query_id", "dim")}
    sizes = dict.fromkeys(dims.tolist())
    return RetrievalScores(
        query_ids=tuple(dict.fromkeys(ids)),
        per_query={dim: {name: values[dims == dim] for name, values in columns.items()} for dim in sizes},
    )
