"""Queries and passages that lie apart, one a record: with an id, a text and perhaps a title."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from embedtune.data.drafts import Notes, Texts, listed
from embedtune.data.readers.boundary import Unreadable, boundary
from embedtune.data.readers.json_values import is_json, json_objects
from embedtune.data.readers.parquet import read_columns
from embedtune.data.readers.regular_file import decode, is_parquet, read_bytes
from embedtune.data.readers.rows import with_title

ID = ("_id", "id", "docid", "doc_id", "pid", "query_id", "qid", "query-id", "corpus-id")
TEXT = ("text", "contents", "query", "question", "passage", "body")
QUERY_ID, PASSAGE_ID, SCORE = ("query-id", "query_id", "qid"), ("corpus-id", "corpus_id", "docid", "doc_id", "pid"), (
    "score", "relevance", "label",
)  # fmt: skip
_READ = {"title"}
_FIELDS = (2, 3, 4)
"""Of a delimited file: id and text; id, title and text; or MS MARCO's id, address, title and text."""


def read_texts(files: Iterable[Path], noun: str, notes: Notes) -> Texts | None:
    """The texts of one file or of several, or None after noting why not."""
    found: list[Texts] = []
    files = list(files)
    for path in files:
        with boundary(str(path), notes):
            found.append(_read(path, noun, notes))
    if len(found) < len(files):
        return None
    if len(found) == 1:
        return found[0]
    values: dict[str, Any] = {}
    for part in found:
        for own in part.values.keys() & values.keys():
            notes.refuse("repeated ids", f"{part.place(own)} must have an id of its own, but another file has it too.")
        values |= part.values
    return Texts(str(files[0].parent), noun, values)


def texts_of(records: Iterable[Mapping[str, Any]], file: str, noun: str, notes: Notes) -> Texts:
    """The texts of records in their order."""
    return _collect(enumerate(records, start=1), file, noun, notes)


def as_lines(records: Iterable[Mapping[str, Any]]) -> str:
    """Judgements in BEIR's form, one a line, from records of query, passage and score.

    Raises:
        Unreadable: One is something else.
    """
    lines = []
    for number, record in enumerate(records, start=1):
        keys = [_first(record, names) for names in (QUERY_ID, PASSAGE_ID, SCORE)]
        cells = [None if key is None else record[key] for key in keys]
        if any(cell is None or "\t" in str(cell) or "\n" in str(cell) for cell in cells):
            rule = f"have {QUERY_ID[0]}, {PASSAGE_ID[0]} and {SCORE[0]}"
            raise Unreadable("judgements", f"judgement {number} must {rule}, but got {str(record)[:200]}. Correct it.")
        lines.append("\t".join(map(str, cells)))
    return "\n".join(lines)


def _read(path: Path, noun: str, notes: Notes) -> Texts:
    content, file = read_bytes(path), str(path)
    if is_parquet(content):
        cells = read_columns(content, file, lambda names: tuple(name for name in names if name in {*ID, *TEXT, *_READ}))
        count = max(map(len, cells.values()), default=0)
        return texts_of(({name: cells[name][row] for name in cells} for row in range(count)), file, noun, notes)
    text = decode(content, file)
    if is_json(text):
        return _collect(json_objects(text, file, notes), file, noun, notes)
    return _collect(_delimited(text, file, notes), file, noun, notes)


def _delimited(text: str, file: str, notes: Notes) -> Iterable[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.split("\t")
        if not line.strip() or (number == 1 and fields[0].lower() in ID):
            continue
        if len(fields) not in _FIELDS:
            message = f"{file}:{number} must be an id and a text with a tab between, but got {line[:80]!r}. Correct it."
            notes.refuse(f"lines of {file} that are no texts", message)
            continue
        title = fields[-2] if len(fields) > 2 else ""
        yield number, {"_id": fields[0], "title": title, "text": fields[-1]}


def _collect(records: Iterable[tuple[int, Mapping[str, Any]]], file: str, noun: str, notes: Notes) -> Texts:
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    unread: Counter[str] = Counter()
    for number, record in records:
        key, name = _first(record, ID), _first(record, TEXT)
        text_id = record.get(key) if key else None
        if not isinstance(text_id, str | int) or isinstance(text_id, bool):
            message = f"{file}:{number} must have an _id that is text, but got {text_id!r}. Add it."
            notes.refuse("missing ids", message)
            continue
        own = str(text_id)
        if own in values:
            message = f"{file}:{number} must have an _id of its own, but got {own!r} as in line {lines[own]}."
            notes.refuse(f"repeated ids in {file}", f"{message} Rename or remove one.")
            continue
        values[own] = with_title({"title": record.get("title"), "text": record.get(name) if name else None})
        lines[own] = number
        unread.update(other for other in record if other not in (key, name, "title") and record[other])
    if unread:
        named = listed(f"{key!r} of {count}" for key, count in sorted(unread.items()))
        notes.warnings.append(f"{file} has keys that are not read: {named} texts.")
    return Texts(file, noun, values, lines)


def _first(record: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((name for name in names if name in record), None)
