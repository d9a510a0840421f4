r"""Delimited files. The ending and the header decide how they are read, nothing is guessed from the texts.

A ``.tsv`` has tabs, and quotes are text like any other, as in MS MARCO and TREC files. A ``.csv`` follows RFC 4180: a
field in quotes may hold delimiters, line ends and doubled quotes; the delimiter is the comma, the semicolon (Excel) or
the tab, whichever the header has most of. A file of any other name is a TSV if its header has a tab, else a CSV.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath

from embedtune.data.drafts import Notes, Rows
from embedtune.data.readers.boundary import Unreadable
from embedtune.data.readers.columns import is_usual, match_columns
from embedtune.data.readers.regular_file import inner_name
from embedtune.data.readers.rows import Columns, make_rows

TRIPLES = ("anchor", "positive", "negative")
"""The columns of a file of three texts a line without a header, as MS MARCO's triples are."""

_WORDS = 4
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}

Line = tuple[int, list[str]]


@dataclass(frozen=True)
class Dialect:
    """How fields are separated."""

    delimiter: str
    quoted: bool


def read_delimited(text: str, file: str, mapping: Mapping[str, str], notes: Notes) -> Rows | None:
    """The rows, or None after noting why not.

    Raises:
        Unreadable: A quoted field does not end; says where it begins.
    """
    dialect = choose_dialect(text, file, notes)
    lines = _quoted(text, file, dialect.delimiter) if dialect.quoted else _plain(text, dialect.delimiter)
    header = next(lines, (1, []))
    found, rows = header[1], list(lines)
    if not dialect.quoted and _is_triple(found) and not mapping:
        found, rows = list(TRIPLES), [header, *rows]
        notes.warnings.append(f"{file} has no header: its columns are read as {', '.join(TRIPLES)}.")
    if not rows and not text.strip():
        return Rows(file, ("anchor", "positive"), [])
    _check_widths(rows, len(found), file, dialect, notes)
    if not dialect.quoted:
        _name_quoted(rows, file, notes)
    roles = match_columns(found, mapping, file, notes)
    if roles is None:
        return None
    position = {name: found.index(name) for name in roles.columns}
    values = {
        name: [fields[own] if own < len(fields) else None for _, fields in rows] for name, own in position.items()
    }
    return make_rows(Columns(file, values, [line for line, _ in rows], "line"), roles, notes)


def choose_dialect(text: str, file: str, notes: Notes) -> Dialect:
    """Decide by the file extension and the header; reported if it is not the usual one."""
    header = text.lstrip("\n").split("\n", 1)[0]
    ending = PurePath(inner_name(file)).suffix.lower()
    if ending == ".tsv" or (ending != ".csv" and "\t" in header):
        return Dialect("\t", quoted=False)
    unquoted = re.sub(r'"[^"]*"', "", header)
    delimiter = max(_DELIMITERS, key=unquoted.count)
    if delimiter != ",":
        notes.warnings.append(f"{file} is read with {_DELIMITERS[delimiter]} between its fields, as its header has.")
    return Dialect(delimiter, quoted=True)


def _plain(text: str, delimiter: str) -> Iterator[Line]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line:
            yield number, line.split(delimiter)


def _quoted(text: str, file: str, delimiter: str) -> Iterator[Line]:
    """The rows with the line each begins in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    with _fields_of(len(text)):
        while True:
            begun = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                message = f"{file}:{begun} must be CSV, but got: {error}. Check the quotes of the row that begins there"
                raise Unreadable("CSV", f"{message}, or write JSONL.") from error
            if fields:
                yield begun, fields


@contextmanager
def _fields_of(size: int) -> Iterator[None]:
    """Raise the limit of a field's length: the csv module allows 131,072 characters, process-wide."""
    before = csv.field_size_limit(size)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _is_triple(fields: list[str]) -> bool:
    """Whether a first line is three texts and no header: none of the usual names, and two passages of words."""
    if len(fields) != len(TRIPLES) or any(is_usual(field) for field in fields):
        return False
    return all(len(field.split()) >= _WORDS for field in fields[1:])


def _check_widths(rows: list[Line], width: int, file: str, dialect: Dialect, notes: Notes) -> None:
    remedy = "Quote texts with commas." if dialect.quoted else "A text cannot hold a tab; write it as CSV or JSONL."
    for number, fields in rows:
        if len(fields) > width:
            message = f"{file}:{number} must have {width} fields as its header, but got more. {remedy}"
            notes.refuse(f"rows of {file} with too many fields", message)


def _name_quoted(rows: list[Line], file: str, notes: Notes) -> None:
    """Report that quotes are text, where a file looks as if its writer had meant otherwise."""
    quoted = sum(field[:1] == '"' == field[-1:] and len(field) > 1 for _, fields in rows for field in fields)
    if quoted:
        notes.warnings.append(
            f"{file} has {quoted} fields between quotes, which are part of the texts: a TSV has no quoting. If they "
            "are to be taken off, name the file .csv."
        )
