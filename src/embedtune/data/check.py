"""The rules of a task; each check yields every text and every judgement that breaks one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from embedtune.data.drafts import Collection, Draft, Problem, Relevance, Rows, Table, Texts
from embedtune.data.labels import check_scores
from embedtune.records import TrainingSet

MIN_ROWS = 2
"""A row is trained against the others of its batch, so there must be another."""


def check_draft(draft: Draft) -> Iterator[Problem]:
    """All problems of what was read."""
    tables = [*draft.splits.values(), *draft.extra.values(), *([draft.single] if draft.single else [])]
    needed = answers_by_corpus(tables)
    seen: set[int] = set()
    for table in tables:
        yield from _check_table(table, needed, seen)
    if not tables and not draft.problems:
        yield Problem("no data", f"{draft.source} must hold at least one split, but got none. Check data.path.")


def answers_by_corpus(tables: Iterable[Table]) -> dict[int, set[str]]:
    """The ``id()`` of each corpus -> the passages of it that any query needs; splits may share a corpus."""
    found: dict[int, set[str]] = {}
    for table in tables:
        if isinstance(table, Collection):
            found.setdefault(id(table.corpus), set()).update(*table.relevance.values.values())
    return found


def check_training(training: TrainingSet) -> Iterator[Problem]:
    """Whether there is enough to train on."""
    if len(training) < MIN_ROWS:
        message = f"training set {training.name} must have at least {MIN_ROWS} rows, but got {len(training)}."
        yield Problem("small training sets", f"{message} Add rows, or raise data.max_train.")


def check_left(tables: Mapping[str, Table]) -> Iterator[Problem]:
    """Splits and sets of which ``data.on_leak=drop`` leaves nothing."""
    for name, table in tables.items():
        if not (table.values if isinstance(table, Rows) else table.queries.values):
            message = f"{name} must have a row whose texts no later split has, but data.on_leak=drop leaves none."
            yield Problem("data.on_leak", f"{message} Divide the data anew (data.split), or set data.on_leak=warn.")


def is_blank(value: Any) -> bool:
    """Whether a text has no visible character."""
    return isinstance(value, str) and not value.strip()


def text_fault(value: Any) -> tuple[str, str] | None:
    """The rule a text breaks and what was found instead, or None."""
    if not isinstance(value, str):
        return "be text", "null" if value is None else type(value).__name__
    if is_blank(value):
        return "not be empty", repr(value[:40])
    try:
        value.encode()
    except UnicodeEncodeError as error:
        return "be valid Unicode", f"half a surrogate pair at character {error.start}"
    return None


def _check_table(table: Table, needed: Mapping[int, set[str]], seen: set[int]) -> Iterator[Problem]:
    """Problems of one table; texts shared between tables (``seen``) are checked once."""
    if isinstance(table, Rows):
        yield from _check_rows(table)
        return
    for texts in (table.queries, table.corpus):
        if id(texts) not in seen:
            seen.add(id(texts))
            yield from _check_texts(texts, needed.get(id(texts)))
    yield from _check_relevance(table.relevance, table.queries, table.corpus)


def _check_texts(texts: Texts, needed: set[str] | None) -> Iterator[Problem]:
    """Problems of texts and their ids; those that no query needs (None: all are needed) may be blank."""
    if not texts.values:
        noun = "queries" if texts.noun == "query" else "passages"
        yield Problem(f"no {noun}", f"{texts.file} must have at least one {texts.noun}, but got none. Fill it.")
    for text_id, value in texts.values.items():
        fault = text_fault(value)
        if fault and not (needed is not None and is_blank(value) and text_id not in needed):
            rule, got = fault
            message = f"{texts.place(text_id)} must {rule}, but got {got}. Correct or remove it."
            yield Problem(f"{texts.noun} texts of {texts.file} that must {rule}", message, texts.place(text_id))
        if not text_id.isascii() and (fault := text_fault(text_id)):
            message = f"{texts.place(text_id)} must have an id of valid Unicode, but got {fault[1]}. Rename it."
            yield Problem(f"ids of {texts.file} that are not valid Unicode", message, texts.place(text_id))


def _check_rows(rows: Rows) -> Iterator[Problem]:
    if not rows.values:
        yield Problem("no rows", f"{rows.file} must have at least one row, but got none. Fill it or leave it out.")
    for number, row in enumerate(rows.values):
        for column, value in zip(rows.columns, row, strict=True):
            fault = text_fault(value)
            if fault:
                rule, got = fault
                message = f"{rows.place(number)} {column} must {rule}, but got {got}. Correct or remove the row."
                yield Problem(f"{column} texts of {rows.file} that must {rule}", message, rows.place(number))
    yield from check_scores(rows)


def _check_relevance(relevance: Relevance, queries: Texts, corpus: Texts) -> Iterator[Problem]:
    file = relevance.file
    for query, passages in relevance.values.items():
        if query not in queries.values:
            place = relevance.place(query, passages[0] if passages else "")
            message = f"{place} must name a known query, but got one that {queries.file} does not have. Correct the id."
            yield Problem(f"unknown queries in {file}", message, place)
        for passage in passages:
            if passage not in corpus.values:
                place = relevance.place(query, passage)
                message = (
                    f"{place} must name known passages, but got {passage!r}. Correct the id or add it to {corpus.file}."
                )
                yield Problem(f"unknown passages in {file}", message, place)
    for query in queries.values:
        if not relevance.values.get(query):
            message = (
                f"{queries.place(query)} must have a relevant passage, but {file} names none. Add one or remove it."
            )
            yield Problem(f"queries of {queries.file} without a relevant passage", message, queries.place(query))
