"""BEIR folders: corpus.jsonl, queries.jsonl and one qrels file a split (Thakur et al. 2021, arXiv:2104.08663)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embedtune.data.drafts import Collection, Notes, Texts, listed
from embedtune.data.readers.boundary import boundary
from embedtune.data.readers.json_values import json_objects
from embedtune.data.readers.qrels import read_qrels
from embedtune.data.readers.regular_file import read_text
from embedtune.data.readers.rows import with_title

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"

_READ = {"_id", "title", "text"}


def is_beir(folder: Path) -> bool:
    """Whether the folder holds a BEIR data set."""
    return (folder / CORPUS).exists() and (folder / QUERIES).exists()


def missing_from_beir(folder: Path) -> str | None:
    """The one file that a folder lacks to be BEIR; None for one that is BEIR, or something else."""
    parts = {name: (folder / name).exists() for name in (CORPUS, QUERIES, QRELS)}
    absent = [name for name, is_there in parts.items() if not is_there]
    return absent[0] if len(absent) == 1 and absent != [QRELS] else None


def read_beir(folder: Path, qrels: Mapping[str, Path], notes: Notes) -> dict[str, Collection]:
    """Every split that ``qrels`` names a file for; each is searched in the whole corpus."""
    corpus = _texts(folder / CORPUS, "passage", notes)
    queries = _texts(folder / QUERIES, "query", notes)
    splits = {}
    for split, path in qrels.items():
        with boundary(str(path), notes):
            relevance = read_qrels(read_text(path), str(path), queries.values if queries else (), notes)
            if corpus is None or queries is None:
                continue
            judged = {query: text for query, text in queries.values.items() if query in relevance.values}
            splits[split] = Collection(Texts(queries.file, "query", judged, queries.lines), corpus, relevance)
    return splits


def _texts(path: Path, noun: str, notes: Notes) -> Texts | None:
    file = str(path)
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    unread: Counter[str] = Counter()
    with boundary(file, notes):
        for number, record in json_objects(read_text(path), file, notes):
            text_id = _id(record, f"{file}:{number}", notes)
            if text_id is None:
                continue
            if text_id in values:
                message = f"{file}:{number} must have an _id of its own, but got {text_id!r} as in line"
                notes.refuse(f"repeated ids in {file}", f"{message} {lines[text_id]}. Rename or remove one.")
                continue
            values[text_id] = with_title(record)
            lines[text_id] = number
            for key in record.keys() - _READ:
                if record[key]:
                    unread[key] += 1
        if unread:
            named = listed(f"{key!r} of {count}" for key, count in sorted(unread.items()))
            notes.warnings.append(f"{file} has keys that are not read: {named} texts.")
        return Texts(file, noun, values, lines)
    return None


def _id(record: Mapping[str, Any], place: str, notes: Notes) -> str | None:
    value = record.get("_id")
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    notes.refuse("missing ids", f"{place} must have an _id that is text, but got {value!r}. Add it.")
    return None
