"""Rows of anchor, positive and optionally negative in JSONL, CSV or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from embedtune.data.drafts import COLUMNS, Problem, Rows
from embedtune.data.readers.text_file import json_lines

_NAMES = {
    "anchor": ("anchor", "query", "question", "sentence1", "sentence_0"),
    "positive": ("positive", "answer", "passage", "context", "sentence2", "sentence_1"),
    "negative": ("negative", "sentence3", "sentence_2"),
}


def is_parquet(content: bytes) -> bool:
    """Whether the file begins as Parquet files do."""
    return content.startswith(b"PAR1")


def read_parquet(content: bytes, file: str, mapping: Mapping[str, str], problems: list[Problem]) -> Rows | None:
    """The rows, or None after noting why not; only the columns needed are read."""
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(pyarrow.BufferReader(content)) as source:
            found = source.schema_arrow.names
            columns = match_columns(found, mapping, file, problems)
            if columns is None:
                return None
            table = source.read(columns=list(columns.values()))
    except (pyarrow.ArrowException, OSError) as error:
        message = f"{file} must be a whole Parquet file, but got: {str(error).splitlines()[0]}. Write it again."
        problems.append(Problem("unreadable files", message))
        return None
    values = {role: table.column(name).to_pylist() for role, name in columns.items()}
    return rows_from_columns(values, file, ignored(found, columns))


def read_json_rows(text: str, file: str, mapping: Mapping[str, str], problems: list[Problem]) -> Rows | None:
    """The rows of JSON lines, or None after noting why not."""
    records = list(json_lines(text, file, problems))
    found = list(dict.fromkeys(name for _, record in records for name in record))
    return _pick(records, found, file, mapping, problems)


def read_csv(text: str, file: str, mapping: Mapping[str, str], problems: list[Problem]) -> Rows | None:
    """The rows of a CSV file with a header; commas, tabs and semicolons are recognised."""
    header = text.lstrip("\n").split("\n", 1)[0]
    delimiter = max(",\t;", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[tuple[int, dict[str, Any]]] = []
    try:
        for record in reader:
            if None in record:
                message = f"{file}:{reader.line_num} must have {len(record) - 1} fields as its header, but got more."
                problems.append(Problem(f"rows of {file} with too many fields", f"{message} Quote texts with commas."))
            records.append((reader.line_num, record))
    except csv.Error as error:
        message = f"{file}:{reader.line_num} must be CSV, but got: {error}. Check the quotes, or write JSONL."
        problems.append(Problem("CSV", message))
        return None
    return _pick(records, list(reader.fieldnames or ()), file, mapping, problems)


def rows_from_columns(columns: Mapping[str, Sequence[Any]], place: str, ignored: tuple[str, ...]) -> Rows:
    """Rows of equally long columns that are named by their roles."""
    return Rows(place, tuple(columns), list(zip(*columns.values(), strict=True)), ignored=ignored)


def match_columns(
    found: Iterable[str], mapping: Mapping[str, str], file: str, problems: list[Problem]
) -> dict[str, str] | None:
    """Role -> name of its column, or None after noting which role has none or several.

    What the user says (``mapping``: role -> name) wins over the names that are usual.
    """
    names = list(found)
    chosen: dict[str, str] = {}
    listed = ", ".join(names) or "none"
    before = len(problems)
    for role in COLUMNS:
        candidates = [mapping[role]] if role in mapping else _usual(role, names)
        present = [name for name in candidates if name in names]
        if len(present) == 1:
            chosen[role] = present[0]
        elif len(present) > 1:
            message = f"{file} must have one column for {role}, but got {', '.join(present)}. Set data.columns.{role}."
            problems.append(Problem("columns", message))
        elif role in mapping:
            message = (
                f"data.columns.{role} must be a column of {file}, but got {mapping[role]}; it has {listed}. Use one."
            )
            problems.append(Problem("columns", message))
        elif role != "negative":
            message = f"{file} must have a column for {role} ({', '.join(_NAMES[role])}), but got {listed}."
            problems.append(Problem("columns", f"{message} Rename one or set data.columns.{role}."))
    return chosen if len(problems) == before else None


def ignored(found: Iterable[str], chosen: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that are not read."""
    return tuple(name for name in found if name not in chosen.values())


def _usual(role: str, names: list[str]) -> list[str]:
    """The column of the role's own name, or else all that are named like it."""
    exact = [name for name in names if name == role]
    return exact or [name for name in names if name.strip().lower() in _NAMES[role]]


def _pick(
    records: list[tuple[int, dict[str, Any]]],
    found: list[str],
    file: str,
    mapping: Mapping[str, str],
    problems: list[Problem],
) -> Rows | None:
    if not records:
        return Rows(file, COLUMNS[:2], [])
    columns = match_columns(found, mapping, file, problems)
    if columns is None:
        return None
    values = [tuple(record.get(name) for name in columns.values()) for _, record in records]
    return Rows(file, tuple(columns), values, [line for line, _ in records], ignored(found, columns))
