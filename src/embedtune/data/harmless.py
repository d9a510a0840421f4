"""Flaws of published sets that no score depends on: dropped or kept, and reported with count and places. Pure.

A query that is asked and a passage that answers it are another matter: they change a score, and ``check`` refuses them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from embedtune.data.check import answers_by_corpus, is_blank
from embedtune.data.drafts import Collection, Draft, Table, Texts, listed

TOLERATED = 0.01
"""Of a file's judgements, how many may name what is not there; more, and it is another file's judgements."""

Pairs = Mapping[str, list[str]]


def without_harmless(draft: Draft) -> Draft:
    """The draft without judgements of texts that are missing, and with a warning for each kind of oddity."""
    warnings = list(draft.warnings)
    splits = {split: _cleaned(table, split == "train", warnings) for split, table in draft.splits.items()}
    extra = {name: _cleaned(table, True, warnings) for name, table in draft.extra.items()}
    tables = [*splits.values(), *extra.values()]
    warnings += _blank_passages(tables)
    return replace(draft, splits=splits, extra=extra, warnings=tuple(warnings))


def _cleaned(table: Table, for_training: bool, warnings: list[str]) -> Table:
    if not isinstance(table, Collection):
        return table
    relevance, queries = table.relevance, table.queries.values
    corpus = table.corpus.values
    total = sum(map(len, relevance.values.values()))
    unknown = {
        query: [passage for passage in passages if query not in queries or passage not in corpus]
        for query, passages in relevance.values.items()
    }
    unknown = {query: passages for query, passages in unknown.items() if passages}
    if unknown and sum(map(len, unknown.values())) <= TOLERATED * total:
        message = "name a query or a passage that is not there"
        table = _without(table, unknown, total, message, warnings)
    if for_training:
        blank = {
            query: [passage for passage in passages if is_blank(corpus.get(passage))]
            for query, passages in table.relevance.values.items()
        }
        blank = {query: passages for query, passages in blank.items() if passages}
        if blank:
            table = _without(table, blank, total, "name an empty passage, which nothing can be learnt from", warnings)
    return table


def _without(table: Collection, dropped: Pairs, total: int, reason: str, warnings: list[str]) -> Collection:
    """A collection without some judgements, and without the queries that have none left."""
    old = table.relevance
    places = [old.place(query, passage) for query, passages in dropped.items() for passage in passages]
    warnings.append(
        f"{old.file}: {len(places)} of {total} judgements are left out, because they {reason}: {listed(places)}."
    )
    without = {query: set(passages) for query, passages in dropped.items()}
    kept = {
        query: [passage for passage in passages if passage not in without.get(query, ())]
        for query, passages in old.values.items()
    }
    unanswered = [query for query in dropped if not kept[query] and query in table.queries.values]
    if unanswered and len(unanswered) < len(table.queries.values):
        warnings.append(
            f"{old.file}: {len(unanswered)} of {len(table.queries.values)} queries are left out, because no passage is "
            f"left that answers them: {listed(map(repr, unanswered))}."
        )
    gone = {query for query in dropped if not kept[query]}
    queries = {query: text for query, text in table.queries.values.items() if query not in gone}
    return Collection(
        replace(table.queries, values=queries),
        table.corpus,
        replace(old, values={query: passages for query, passages in kept.items() if query not in gone}),
    )


def _blank_passages(tables: Iterable[Table]) -> Iterator[str]:
    """A warning for each corpus with passages that are empty and answer nothing."""
    tables = list(tables)
    needed = answers_by_corpus(tables)
    corpora: dict[int, Texts] = {id(table.corpus): table.corpus for table in tables if isinstance(table, Collection)}
    for key, corpus in corpora.items():
        blank = [own for own, text in corpus.values.items() if is_blank(text) and own not in needed[key]]
        if blank:
            places = listed(corpus.place(own) for own in blank)
            yield (
                f"{corpus.file}: {len(blank)} of {len(corpus.values)} passages are empty and answer no query; they "
                f"stay in the corpus: {places}."
            )
