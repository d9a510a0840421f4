"""Questions to paragraphs in the form of SQuAD (Rajpurkar et al. 2016): data, paragraphs, qas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from embedtune.data.digest import text_id
from embedtune.data.drafts import Collection, Notes, Relevance, Texts


def is_squad(value: Any) -> bool:
    """Whether a JSON object is such a file."""
    data = value.get("data") if isinstance(value, dict) else None
    return isinstance(data, list) and any(isinstance(part, dict) and "paragraphs" in part for part in data)


def read_squad(value: Mapping[str, Any], file: str, notes: Notes) -> Collection | None:
    """Each paragraph as a passage, each question as a query that its paragraph answers, or None after noting why not.

    A question that its paragraph does not answer (``is_impossible``) is left out, and counted.
    """
    queries: dict[str, Any] = {}
    corpus: dict[str, Any] = {}
    relevant: dict[str, list[str]] = {}
    impossible = 0
    for place, paragraph in _paragraphs(value, file, notes):
        context = paragraph.get("context")
        passage = text_id(context) if isinstance(context, str) else place
        corpus[passage] = context
        for number, asked in enumerate(_list(paragraph, "qas", place, notes)):
            if asked.get("is_impossible"):
                impossible += 1
                continue
            query = str(asked.get("id") or f"{place} question {number}")
            if query in queries:
                message = f"{file} question {query!r} must have an id of its own, but another has it too. Rename one."
                notes.refuse(f"repeated ids in {file}", message)
            queries[query] = asked.get("question")
            relevant[query] = [passage]
    if impossible:
        notes.warnings.append(f"{file}: {impossible} questions are left out, because their paragraph has no answer.")
    if notes.problems:
        return None
    return Collection(Texts(file, "query", queries), Texts(file, "passage", corpus), Relevance(file, relevant))


def _paragraphs(value: Mapping[str, Any], file: str, notes: Notes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for article, part in enumerate(_list(value, "data", file, notes)):
        for number, paragraph in enumerate(_list(part, "paragraphs", f"{file} article {article}", notes)):
            yield f"{file} article {article} paragraph {number}", paragraph


def _list(value: Mapping[str, Any], key: str, place: str, notes: Notes) -> list[dict[str, Any]]:
    """The objects in a list; anything else is noted."""
    found = value.get(key)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        message = f"{place} must have a list of objects as {key!r}, but got {str(found)[:80]!r}. Correct it."
        notes.refuse("lists of objects", message)
        return []
    return found
