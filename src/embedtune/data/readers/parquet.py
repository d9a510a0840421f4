"""Rows in Parquet, read bit by bit: a few hundred bytes can unpack to gigabytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from embedtune.data.drafts import Notes, Rows
from embedtune.data.readers.boundary import Unreadable
from embedtune.data.readers.columns import Roles, match_columns
from embedtune.data.readers.room import CELL, require_room
from embedtune.data.readers.rows import Columns, make_rows

if TYPE_CHECKING:
    import pyarrow

_BATCH = 1024


def read_parquet(content: bytes | bytearray, file: str, mapping: Mapping[str, str], notes: Notes) -> Rows | None:
    """The rows, or None after noting why not; only the columns needed are read.

    Raises:
        Unreadable: It is torn, or unpacks to too much.
    """
    found: list[Roles] = []

    def choose(names: Sequence[str]) -> tuple[str, ...]:
        roles = match_columns(names, mapping, file, notes)
        found.extend([roles] if roles else [])
        return roles.columns if roles else ()

    values = read_columns(content, file, choose)
    return make_rows(Columns(file, values), found[0], notes) if found else None


def read_columns(
    content: bytes | bytearray, file: str, choose: Callable[[Sequence[str]], tuple[str, ...]]
) -> dict[str, list[Any]]:
    """The cells of those columns that ``choose`` takes of all names; none are read where it takes none.

    Raises:
        Unreadable: It is torn, or unpacks to too much.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(pyarrow.BufferReader(content)) as source:
            schema, metadata = source.schema_arrow, source.metadata
        columns = choose(schema.names)
        if not columns:
            return {}
        _check_promise(metadata, columns, file, len(content))
        texts = [field.name for field in schema if pyarrow.types.is_string(field.type)]
        # A text that repeats is held once, as the file holds it.
        with parquet.ParquetFile(pyarrow.BufferReader(content), read_dictionary=texts) as source:
            return _values(source, columns, file, len(content))
    except (pyarrow.ArrowException, OSError) as error:
        detail = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        message = f"{file} must be a whole Parquet file, but got: {detail}. Write it again."
        raise Unreadable("unreadable files", message) from error


def _check_promise(metadata: pyarrow.parquet.FileMetaData, columns: tuple[str, ...], file: str, packed: int) -> None:
    """Check by the file's own metadata that there is room for it."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    needed = [chunk for chunk in chunks if chunk.path_in_schema.partition(".")[0] in columns]
    size = sum(max(chunk.num_values, 0) * CELL + max(chunk.total_uncompressed_size, 0) for chunk in needed)
    require_room(file, max(size, metadata.num_rows * CELL), packed)


def _values(
    source: pyarrow.parquet.ParquetFile, columns: tuple[str, ...], file: str, packed: int
) -> dict[str, list[Any]]:
    """The cells of each column; their content is counted, because the file's metadata may be wrong."""
    values: dict[str, list[Any]] = {name: [] for name in columns}
    size = 0
    for batch in source.iter_batches(batch_size=_BATCH, columns=list(columns), use_threads=False):
        for name in columns:
            cells, held = _cells(batch.column(name))
            values[name] += cells
            size += held
        require_room(file, size, packed)
    return values


def _cells(array: pyarrow.Array) -> tuple[list[Any], int]:
    """The cells of an array as Python values, and the bytes of all of them."""
    import pyarrow

    if not pyarrow.types.is_dictionary(array.type):
        return array.to_pylist(), array.nbytes + CELL * len(array)
    array.validate(full=True)  # a damaged file may have indices beyond its texts
    different = array.dictionary.to_pylist()
    sizes = [CELL + len(text or "") for text in different]
    chosen = array.indices.to_pylist()
    cells = [None if index is None else different[index] for index in chosen]
    return cells, sum(CELL if index is None else sizes[index] for index in chosen)
