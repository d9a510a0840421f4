"""One-object JSON: queries, relevance and corpus of one split as three mappings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedtune.data.drafts import Collection, Notes, Relevance, Texts, listed
from embedtune.data.labels import is_number
from embedtune.data.readers.qrels import graded_warning

_KEYS = {
    "queries": ("questions", "queries"),
    "relevance": ("relevant_contexts", "relevant_docs"),
    "corpus": ("corpus", "contexts"),
}


def is_json_object(value: Any) -> bool:
    """Whether this is such an object, or one that lacks a part, rather than a row."""
    if not isinstance(value, dict):
        return False
    found = [value[name] for part in _KEYS if (name := _find(value, part)) is not None]
    return len(found) >= 2 or any(isinstance(item, dict) for item in found)


def read_json_object(value: Mapping[str, Any], file: str, notes: Notes) -> Collection | None:
    """The split in an object, or None after noting what is missing."""
    names = {part: _find(value, part) for part in _KEYS}
    unread = [name for name in value if name not in names.values()]
    if unread:
        notes.warnings.append(f"{file} has the keys {listed(unread)}, which are not read.")
    mappings = {part: _mapping(value, part, file, notes) for part in _KEYS}
    if any(mapping is None for mapping in mappings.values()):
        return None
    queries, relevance, corpus = (mappings[part] or {} for part in ("queries", "relevance", "corpus"))
    grades: dict[tuple[str, str], float] = {}
    values = {query: _judged(query, ids, file, grades, notes) for query, ids in relevance.items()}
    if grades:
        notes.warnings.append(graded_warning(file, len(grades), sum(map(len, values.values()))))
    return Collection(
        Texts(file, "query", queries), Texts(file, "passage", corpus), Relevance(file, values, {}, grades)
    )


def _find(value: Mapping[str, Any], part: str) -> str | None:
    return next((name for name in _KEYS[part] if name in value), None)


def _mapping(value: Mapping[str, Any], part: str, file: str, notes: Notes) -> Mapping[str, Any] | None:
    name = _find(value, part)
    if name is None:
        message = f"{file} must have the key {' or '.join(_KEYS[part])}, but got {listed(value)}. Add it."
        notes.refuse("missing keys", message)
        return None
    mapping = value[name]
    if not isinstance(mapping, dict):
        message = f"{file} {name} must be an object of id: value, but got {type(mapping).__name__}. Rewrite it."
        notes.refuse("wrong types", message)
        return None
    return mapping


def _judged(query: str, value: Any, file: str, grades: dict[tuple[str, str], float], notes: Notes) -> tuple[str, ...]:
    """The passages of a query: an id, a list of them, or an object of passage: grade, of which those above 0 count."""
    if not isinstance(value, dict):
        return _ids(query, value, file, notes)
    found = []
    for passage, grade in value.items():
        if not is_number(grade) or isinstance(grade, bool):
            message = (
                f"{file} relevance of {query!r} must have a number as the grade of {passage!r}, but got {grade!r}."
            )
            notes.refuse(f"grades that are no numbers in {file}", f"{message} Correct it.")
        elif float(grade) > 0:
            found.append(passage)
            if float(grade) != 1:
                grades[query, passage] = float(grade)
    return tuple(found)


def _ids(query: str, value: Any, file: str, notes: Notes) -> tuple[str, ...]:
    ids = value if isinstance(value, list) else [value]
    right = [isinstance(item, str | int) and not isinstance(item, bool) for item in ids]
    if not all(right):
        wrong = ids[right.index(False)]
        message = (
            f"{file} relevance of {query!r} must be a passage id or a list of them, but got {wrong!r}. Correct it."
        )
        notes.refuse(f"passage ids of a wrong type in {file}", message)
    return tuple(str(item) for item, is_right in zip(ids, right, strict=True) if is_right)
