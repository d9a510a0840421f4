"""Rows in JSON: objects with the same keys, or one object of equally long columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from embedtune.data.drafts import PAIR, Notes, Rows
from embedtune.data.readers.boundary import Unreadable
from embedtune.data.readers.columns import match_columns
from embedtune.data.readers.json_values import Line
from embedtune.data.readers.rows import Columns, make_rows


def read_json_rows(values: Sequence[Line], file: str, mapping: Mapping[str, str], notes: Notes) -> Rows | None:
    """The rows of what a JSON file holds, or None after noting why not."""
    if len(values) == 1 and _is_columns(values[0][1]):
        return _from_columns(values[0][1], file, mapping, notes)
    records: list[tuple[int, Mapping[str, Any]]] = []
    for number, value in values:
        if isinstance(value, dict):
            records.append((number, value))
        else:
            message = f"{file}:{number} must be a JSON object, but got {type(value).__name__}. Write one object a row."
            notes.refuse(f"lines of {file} that are not objects", message)
    if not records:
        return Rows(file, PAIR, [])
    roles = match_columns(dict.fromkeys(name for _, record in records for name in record), mapping, file, notes)
    if roles is None:
        return None
    cells = {name: [record.get(name) for _, record in records] for name in roles.columns}
    return make_rows(Columns(file, cells, [number for number, _ in records], "line"), roles, notes)


def _is_columns(value: Any) -> bool:
    """Whether every key holds a list, as ``{"anchor": ["a", "b"], "positive": ["c", "d"]}``."""
    return isinstance(value, dict) and bool(value) and all(isinstance(column, list) for column in value.values())


def _from_columns(value: Mapping[str, list[Any]], file: str, mapping: Mapping[str, str], notes: Notes) -> Rows | None:
    roles = match_columns(value, mapping, file, notes)
    if roles is None:
        return None
    lengths = {name: len(value[name]) for name in roles.columns}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise Unreadable("columns", f"{file} must have columns of one length, but got {found}. Add what is missing.")
    return make_rows(Columns(file, {name: value[name] for name in roles.columns}), roles, notes)
