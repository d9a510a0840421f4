"""One piece of data as splits, and rows of one split that another must not share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from embedtune.data.drafts import Collection, Draft, Rows, Table, listed
from embedtune.data.group_split import SHARES, read_shares, split_by_group
from embedtune.data.near_duplicates import representatives

T = TypeVar("T")

_NEAR, _GROUP = "\x00near ", "\x00group "
"""What is put before the names of groups, among texts."""


def divide(draft: Draft, split: str | None, seed: int, near: float | None) -> Mapping[str, Table]:
    """The splits of what was read.

    Args:
        draft: Without problems.
        split: ``data.split``: the shares by which the one piece, or the one split, that there is is divided; None
            divides only rows that came in one piece.
        seed: Draws what goes where.
        near: Texts as similar as this hold rows together, as equal ones do; None: only equal ones.
    """
    only = draft.single or (next(iter(draft.splits.values())) if split else None)
    if only is None:
        return draft.splits
    units = _row_texts(only) if isinstance(only, Rows) else _query_texts(only)
    same = representatives((text for unit in units for text in unit), near) if near else {}
    joined = [(*unit, *(_NEAR + same[text] for text in unit if text in same)) for unit in units] if same else units
    if isinstance(only, Rows) and only.groups:
        joined = [(*unit, f"{_GROUP}{group}") for unit, group in zip(joined, only.groups, strict=True)]
    numbers = split_by_group(joined, seed, read_shares(split) if split else SHARES)
    return {name: select(only, chosen) for name, chosen in numbers.items() if chosen}


def select(table: Table, numbers: Sequence[int]) -> Table:
    """Some rows, or some queries with their judgements, in that order."""
    if isinstance(table, Rows):
        return _rows(table, numbers)
    queries = list(table.queries.values)
    kept = [queries[number] for number in numbers]
    return Collection(
        replace(table.queries, values={query: table.queries.values[query] for query in kept}),
        table.corpus,
        replace(table.relevance, values={query: table.relevance.values[query] for query in kept}),
    )


def without_pairs(table: Table, leaks: Callable[[str, str], bool]) -> Table:
    """The table without the pairs of query and answer for which ``leaks`` holds."""
    if isinstance(table, Rows):
        return _rows(table, [number for number, row in enumerate(table.values) if not leaks(row[0], row[1])])
    queries, corpus = table.queries.values, table.corpus.values
    kept = {
        query: [passage for passage in table.relevance.values[query] if not leaks(text, corpus[passage])]
        for query, text in queries.items()
    }
    answered = {query: passages for query, passages in kept.items() if passages}
    return Collection(
        replace(table.queries, values={query: queries[query] for query in answered}),
        table.corpus,
        replace(
            table.relevance,
            values=answered,
            grades={
                (query, passage): grade
                for (query, passage), grade in table.relevance.grades.items()
                if query in answered and not leaks(queries[query], corpus[passage])
            },
        ),
    )


def split_problem(draft: Draft, split: str | None) -> str | None:
    """Why ``data.split`` cannot divide what was read; None if it can, or is not asked to."""
    if split is None or draft.single is not None or len(draft.splits) <= 1:
        return None
    return (
        f"data.split must be null for data that has its splits, but got {split}, and {draft.source} has "
        f"{listed(draft.splits)}. Remove it, or name one file: data.path=FILE."
    )


def _row_texts(rows: Rows) -> list[tuple[str, ...]]:
    """Negatives do not hold rows together: one passage may be the negative of many."""
    return [row[:2] for row in rows.values]


def _query_texts(table: Collection) -> list[tuple[str, ...]]:
    corpus, relevance = table.corpus.values, table.relevance.values
    return [(text, *(corpus[passage] for passage in relevance[query])) for query, text in table.queries.values.items()]


def _rows(rows: Rows, numbers: Iterable[int]) -> Rows:
    places = range(1, len(rows.values) + 1)
    chosen = list(numbers)

    def of(column: Sequence[T]) -> Sequence[T]:
        return [column[number] for number in chosen] if column else ()

    unit = rows.unit if rows.numbers else "row"
    where = of(rows.numbers or places)
    return replace(
        rows, values=of(rows.values), numbers=where, unit=unit, scores=of(rows.scores), groups=of(rows.groups)
    )
