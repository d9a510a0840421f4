"""BEIR folders: corpus.jsonl, queries.jsonl and one qrels file a split (Thakur et al. 2021, arXiv:2104.08663)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embedtune.data.drafts import Collection, Problem, Relevance, Texts
from embedtune.data.readers.text_file import json_lines, read_text

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"


def is_beir(folder: Path) -> bool:
    """Whether the folder holds a BEIR data set."""
    return (folder / CORPUS).is_file() and (folder / QUERIES).is_file()


def missing_from_beir(folder: Path) -> str | None:
    """The one file that a folder lacks to be BEIR; None for one that is BEIR, or something else."""
    parts = {name: (folder / name).exists() for name in (CORPUS, QUERIES, QRELS)}
    absent = [name for name, is_there in parts.items() if not is_there]
    return absent[0] if len(absent) == 1 and absent != [QRELS] else None


def read_beir(folder: Path, qrels: Mapping[str, Path], problems: list[Problem]) -> dict[str, Collection]:
    """Every split that ``qrels`` names a file for; each is searched in the whole corpus."""
    corpus = _texts(folder / CORPUS, "passage", problems)
    queries = _texts(folder / QUERIES, "query", problems)
    splits = {}
    for split, path in qrels.items():
        relevance = _relevance(path, problems)
        if corpus is None or queries is None or relevance is None:
            continue
        judged = {query: text for query, text in queries.values.items() if query in relevance.values}
        splits[split] = Collection(Texts(queries.file, "query", judged, queries.lines), corpus, relevance)
    return splits


def _texts(path: Path, noun: str, problems: list[Problem]) -> Texts | None:
    content = read_text(path, problems)
    if content is None:
        return None
    file = str(path)
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for number, record in json_lines(content, file, problems):
        text_id = _id(record, f"{file}:{number}", problems)
        if text_id is None:
            continue
        if text_id in values:
            message = f"{file}:{number} must have an _id of its own, but got {text_id!r} as in line {lines[text_id]}."
            problems.append(Problem(f"repeated ids in {file}", f"{message} Rename or remove one."))
            continue
        values[text_id] = _with_title(record)
        lines[text_id] = number
    return Texts(file, noun, values, lines)


def _id(record: Mapping[str, Any], place: str, problems: list[Problem]) -> str | None:
    value = record.get("_id")
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    problems.append(Problem("missing ids", f"{place} must have an _id that is text, but got {value!r}. Add it."))
    return None


def _with_title(record: Mapping[str, Any]) -> Any:
    """As BEIR's own models read a passage: title, a space, text."""
    title, text = record.get("title") or "", record.get("text")
    return f"{title} {text}".strip() if isinstance(title, str) and isinstance(text, str) else text


def _relevance(path: Path, problems: list[Problem]) -> Relevance | None:
    content = read_text(path, problems)
    if content is None:
        return None
    file = str(path)
    values: dict[str, list[str]] = {}
    lines: dict[tuple[str, str], int] = {}
    for number, line in enumerate(content.split("\n"), start=1):
        fields = line.split("\t")
        if not line.strip() or (number == 1 and _score(fields) is None):
            continue  # the header
        score = _score(fields)
        if score is None:
            message = f"{file}:{number} must be query-id, corpus-id and score between tabs, but got {line[:80]!r}."
            problems.append(Problem(f"lines of {file} that are not judgements", f"{message} Correct it."))
            continue
        query, passage = fields[0], fields[1]
        passages = values.setdefault(query, [])
        if score > 0 and (query, passage) not in lines:
            passages.append(passage)
            lines[query, passage] = number
    return Relevance(file, values, lines)


def _score(fields: list[str]) -> float | None:
    """The score of a judgement; None where the line is not one."""
    try:
        return float(fields[2]) if len(fields) == 3 else None
    except ValueError:
        return None
