"""From checked drafts to the sets that training and evaluation read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from embedtune.data.digest import text_id
from embedtune.data.drafts import Rows, Table
from embedtune.data.graded import grades_of
from embedtune.data.group_split import rank
from embedtune.data.labels import is_related
from embedtune.records import RetrievalSet, TrainingSet


def retrieval_set(table: Table, skip_own: bool = True) -> RetrievalSet:
    """Queries, corpus and relevance; rows get ids from their texts, so that their order does not matter.

    Args:
        table: One split.
        skip_own: Whether a passage with the id of a query, which does not answer it, is left out of its ranking.
    """
    if isinstance(table, Rows):
        return collect_rows(table.values, [is_related(table, row) for row in range(len(table.values))])
    queries, corpus = dict(table.queries.values), dict(table.corpus.values)
    relevant = {query: frozenset(table.relevance.values[query]) for query in queries}
    own = frozenset(query for query in queries if query in corpus and query not in relevant[query])
    return RetrievalSet(queries, corpus, relevant, grades_of(table), own if skip_own else frozenset())


def training_set(name: str, table: Table) -> TrainingSet:
    """The rows as they are, or one row for each query and relevant passage, in file order."""
    if isinstance(table, Rows):
        columns = zip(*table.values, strict=True)
        scores = tuple(tuple(map(float, row)) for row in table.scores)
        return TrainingSet(name, dict(zip(table.columns, columns, strict=True)), scores)
    queries, corpus, relevant = table.queries.values, table.corpus.values, table.relevance.values
    pairs = [(queries[query], corpus[passage]) for query in queries for passage in dict.fromkeys(relevant[query])]
    anchors, positives = zip(*pairs, strict=True)
    return TrainingSet(name, {"anchor": anchors, "positive": positives})


def limit_rows(training: TrainingSet, limit: int | None, seed: int) -> TrainingSet:
    """At most ``limit`` rows, drawn by the seed, in the order they had."""
    if limit is None or len(training) <= limit:
        return training
    rows = list(zip(*training.columns.values(), strict=True))
    drawn = sorted(range(len(rows)), key=lambda row: (rank(seed, *rows[row]), row))
    return training.select(sorted(drawn[:limit]))


def limit_queries(data: RetrievalSet, limit: int | None, seed: int) -> RetrievalSet:
    """At most ``limit`` queries, drawn by the seed, in the order they had; the corpus stays whole."""
    if limit is None or len(data.queries) <= limit:
        return data
    drawn = sorted(data.queries, key=lambda query: (rank(seed, data.queries[query]), query))
    kept = set(drawn[:limit])
    queries = {query: text for query, text in data.queries.items() if query in kept}
    relevant = {query: data.relevant[query] for query in queries}
    grades = {query: own for query, own in data.grades.items() if query in kept}
    return replace(data, queries=queries, relevant=relevant, grades=grades, own=data.own & kept)


def collect_rows(rows: Sequence[Sequence[str]], related: Sequence[bool] = ()) -> RetrievalSet:
    """The anchors as queries, each answered by its positives, in the passages of all rows.

    Args:
        rows: Anchor, positive and any negatives, in this order.
        related: Whether the positive of each row answers its anchor; empty where all do. An anchor that nothing answers
            is no query.
    """
    queries: dict[str, str] = {}
    corpus: dict[str, str] = {}
    relevant: dict[str, set[str]] = {}
    for (anchor, *passages), answers in zip(rows, related or [True] * len(rows), strict=True):
        corpus |= {text_id(passage): passage for passage in passages}
        if answers:
            query = text_id(anchor)
            queries[query] = anchor
            relevant.setdefault(query, set()).add(text_id(passages[0]))
    return RetrievalSet(queries, corpus, {query: frozenset(passages) for query, passages in relevant.items()})
