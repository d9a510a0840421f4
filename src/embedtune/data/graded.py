"""Grades of relevance: which are enough for a passage to count as relevant, and which weigh in a gain. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from embedtune.data.drafts import Collection, Draft, Table, listed


def grades_of(table: Collection) -> dict[str, dict[str, float]]:
    """Query -> passage -> grade, for each query of which a judgement has another grade than 1."""
    found: dict[str, dict[str, float]] = {}
    known = table.corpus.values
    for query, passage in table.relevance.grades:
        if query in table.queries.values and passage in known:
            found.setdefault(query, dict.fromkeys(table.relevance.values[query], 1.0))
    for (query, passage), grade in table.relevance.grades.items():
        if query in found and passage in known:
            found[query][passage] = grade
    return found


def with_threshold(draft: Draft, least: float | None) -> Draft:
    """The draft with only those judgements as relevant whose grade is at least ``data.relevant_from``.

    The grades of the others stay for the gain. Queries that nothing is left for are left out, and counted.
    """
    if least is None:
        return draft
    warnings = list(draft.warnings)
    splits = {split: _cut(table, least, warnings) for split, table in draft.splits.items()}
    extra: Mapping[str, Table] = {name: _cut(table, least, warnings) for name, table in draft.extra.items()}
    return replace(draft, splits=splits, extra=extra, warnings=tuple(warnings))


def _cut(table: Table, least: float, warnings: list[str]) -> Table:
    if not isinstance(table, Collection):
        return table
    relevance = table.relevance
    pairs = {(query, passage): relevance.grades.get((query, passage), 1.0) for query in relevance.values
             for passage in relevance.values[query]}  # fmt: skip
    kept = {
        query: [passage for passage in passages if pairs[query, passage] >= least]
        for query, passages in relevance.values.items()
    }
    dropped = sum(grade < least for grade in pairs.values())
    if not dropped:
        return table
    empty = [query for query, passages in kept.items() if not passages and relevance.values[query]]
    said = f"{relevance.file}: {dropped} of {len(pairs)} judgements are below data.relevant_from={least:g}"
    if empty:
        said += f"; {len(empty)} of {len(kept)} queries are left without an answer and are not asked: "
        said += listed(map(repr, empty))
    warnings.append(f"{said}.")
    without = set(empty)
    queries = {query: text for query, text in table.queries.values.items() if query not in without}
    # A grade of 1 below the threshold weighs in the gain too, so it is written out.
    grades = {pair: grade for pair, grade in pairs.items() if pair[0] not in without and (grade != 1 or grade < least)}
    values = {query: passages for query, passages in kept.items() if query not in without}
    return replace(
        table,
        queries=replace(table.queries, values=queries),
        relevance=replace(relevance, values=values, grades=grades),
    )
