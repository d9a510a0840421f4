"""One-object JSON: queries, relevance and corpus of one split as three mappings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from embedtune.data.drafts import Collection, Problem, Relevance, Texts
from embedtune.data.readers.text_file import json_problem

_KEYS = {
    "queries": ("questions", "queries"),
    "relevance": ("relevant_contexts", "relevant_docs"),
    "corpus": ("corpus", "contexts"),
}


def is_json_object(text: str) -> bool:
    """Whether the text is such an object, or a torn one, rather than one object a line."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not lines or not lines[0].startswith("{"):
        return False
    try:
        value = json.loads(text)
    except RecursionError:
        return False
    except ValueError as error:
        several = "Extra data" in str(error) or (len(lines) > 1 and lines[1].startswith("{"))
        return not several and any(f'"{name}"' in text for names in _KEYS.values() for name in names)
    return isinstance(value, dict) and sum(_find(value, part) is not None for part in _KEYS) >= 2


def read_json_object(text: str, file: str, problems: list[Problem]) -> Collection | None:
    """The split in ``text``, or None after noting what is missing."""
    repeated: list[str] = []

    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                repeated.append(key)
            found[key] = value
        return found

    try:
        value = json.loads(text, object_pairs_hook=without_repeats)
    except json.JSONDecodeError as error:
        problems.append(json_problem(f"{file}:{error.lineno}", error))
        return None
    for key in repeated:
        message = f"{file} must not repeat a key, but got {key!r} twice in one object. Rename or remove one."
        problems.append(Problem(f"repeated keys in {file}", message))
    mappings = {part: _mapping(value, part, file, problems) for part in _KEYS}
    if any(mapping is None for mapping in mappings.values()):
        return None
    queries, relevance, corpus = (mappings[part] or {} for part in ("queries", "relevance", "corpus"))
    return Collection(
        Texts(file, "query", queries),
        Texts(file, "passage", corpus),
        Relevance(file, {query: _ids(query, ids, file, problems) for query, ids in relevance.items()}),
    )


def _find(value: Mapping[str, Any], part: str) -> str | None:
    return next((name for name in _KEYS[part] if name in value), None)


def _mapping(value: Mapping[str, Any], part: str, file: str, problems: list[Problem]) -> Mapping[str, Any] | None:
    name = _find(value, part)
    if name is None:
        message = f"{file} must have the key {' or '.join(_KEYS[part])}, but got {', '.join(value)}. Add it."
        problems.append(Problem("missing keys", message))
        return None
    mapping = value[name]
    if not isinstance(mapping, dict):
        message = f"{file} {name} must be an object of id: value, but got {type(mapping).__name__}. Rewrite it."
        problems.append(Problem("wrong types", message))
        return None
    return mapping


def _ids(query: str, value: Any, file: str, problems: list[Problem]) -> tuple[str, ...]:
    ids = value if isinstance(value, list) else [value]
    wrong = [item for item in ids if not isinstance(item, str | int) or isinstance(item, bool)]
    if wrong:
        message = (
            f"{file} relevance of {query!r} must be a passage id or a list of them, but got {wrong[0]!r}. Correct it."
        )
        problems.append(Problem(f"passage ids of a wrong type in {file}", message))
    return tuple(str(item) for item in ids if item not in wrong)
