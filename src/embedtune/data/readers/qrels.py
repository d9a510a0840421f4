"""Judgements: which passage answers which query. BEIR's three columns, or TREC's four."""

from __future__ import annotations

import math
from collections.abc import Collection as Ids
from collections.abc import Iterator
from typing import NamedTuple

from embedtune.data.drafts import Notes, Relevance, listed

BEIR_FORM = "query-id, corpus-id and score between tabs"
_TREC_FIELDS = 4


class Judgement(NamedTuple):
    """One line."""

    query: str
    passage: str
    score: float


def read_qrels(text: str, file: str, queries: Ids[str], notes: Notes) -> Relevance:
    """The passages of each query that are judged above 0, and their grades.

    Args:
        text: Of the file.
        file: Its name.
        queries: Ids of the queries there are: a first line that begins with one is no header.
        notes: Of what is not a judgement.
    """
    values: dict[str, list[str]] = {}
    lines: dict[tuple[str, str], int] = {}
    refused: dict[tuple[str, str], int] = {}
    grades: dict[tuple[str, str], float] = {}
    for number, own in _judgements(text, file, queries, notes):
        passages = values.setdefault(own.query, [])
        pair = own.query, own.passage
        (other, mine) = (refused, lines) if own.score > 0 else (lines, refused)
        if pair in other:
            message = f"{file}:{number} must not contradict line {other[pair]}, but got another judgement of the pair."
            notes.refuse(f"contradictions in {file}", f"{message} Remove one.")
        elif own.score > 0 and pair not in lines:
            passages.append(own.passage)
            if own.score != 1:
                grades[pair] = own.score
        mine.setdefault(pair, number)
    if grades:
        notes.warnings.append(graded_warning(file, len(grades), len(lines)))
    return Relevance(file, _without_refused(values, file, notes), lines, grades)


def graded_warning(file: str, graded: int, total: int) -> str:
    """What is said of judgements with grades."""
    return (
        f"{file}: {graded} of {total} judgements have a grade other than 1. ndcg weighs them (eval.gain); for all else "
        "each above 0 counts as relevant, unless data.relevant_from says another grade."
    )


def _judgements(text: str, file: str, queries: Ids[str], notes: Notes) -> Iterator[tuple[int, Judgement]]:
    is_trec: bool | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        if is_trec is None:
            is_trec = _beir(line) is None and _trec(line) is not None
            if not is_trec and _is_header(line, queries):
                continue
        found = _trec(line) if is_trec else _beir(line)
        if found is not None:
            yield number, found
            continue
        form = "TREC's query, iteration, passage and relevance" if is_trec else BEIR_FORM
        message = f"{file}:{number} must be {form}, but got {line[:80]!r}. Correct it."
        notes.refuse(f"lines of {file} that are not judgements", message)


def _is_header(line: str, queries: Ids[str]) -> bool:
    """Whether a first line names columns: three words, none of which is a score or the id of a query."""
    fields = line.split("\t")
    return len(fields) == 3 and fields[0] not in queries and _score(fields[2]) is None


def _beir(line: str) -> Judgement | None:
    fields = line.split("\t")
    score = _score(fields[2]) if len(fields) == 3 else None
    return None if score is None else Judgement(fields[0], fields[1], score)


def _trec(line: str) -> Judgement | None:
    """``301 0 FR940202-2-00150 1``: the second field says the round of judging, and means nothing."""
    fields = line.split("\t") if line.count("\t") == _TREC_FIELDS - 1 else line.split()
    score = _score(fields[3]) if len(fields) == _TREC_FIELDS else None
    return None if score is None else Judgement(fields[0], fields[2], score)


def _score(text: str) -> float | None:
    try:
        score = float(text)
    except ValueError:
        return None
    return score if math.isfinite(score) else None


def _without_refused(values: dict[str, list[str]], file: str, notes: Notes) -> dict[str, list[str]]:
    """Leave out queries whose every judgement is 0: they have no answer; as long as others have one."""
    empty = [query for query, passages in values.items() if not passages]
    if not empty or len(empty) == len(values):
        return values
    notes.warnings.append(
        f"{file}: {len(empty)} of {len(values)} queries are left out, because no passage is judged above 0 for them: "
        f"{listed(map(repr, empty))}."
    )
    return {query: passages for query, passages in values.items() if passages}
