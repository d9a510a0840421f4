"""The texts of a data set with their places, whatever form it was read from; what is no text is passed over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from embedtune.data.drafts import Place, Rows, Table, Texts


@dataclass(frozen=True)
class Located:
    """A text and where it stands."""

    text: str
    place: Place


@dataclass(frozen=True)
class Part:
    """The texts of one table.

    Attributes:
        name: A split, or a further training set.
        queries: Each once, as often as the file has them.
        passages: The corpus, or what the rows hold beside their anchors.
        pairs: Query, answer and place.
        corpus: Equal for parts that share one corpus.
    """

    name: str
    queries: tuple[Located, ...]
    passages: tuple[Located, ...]
    pairs: tuple[tuple[str, str, Place], ...]
    corpus: int


def locate(name: str, table: Table) -> Part:
    """The texts of a table with their places."""
    if isinstance(table, Rows):
        rows = [(row, table.place(number)) for number, row in enumerate(table.values)]
        return Part(
            name,
            tuple(_located((row[0], place) for row, place in rows)),
            tuple(_located((text, place) for row, place in rows for text in row[1:])),
            tuple((row[0], row[1], place) for row, place in rows if _is_text(row[0]) and _is_text(row[1])),
            id(table),
        )
    queries, corpus, relevance = table.queries, table.corpus, table.relevance
    pairs = (
        (queries.values.get(query), corpus.values.get(passage), relevance.place(query, passage))
        for query, passages in relevance.values.items()
        for passage in passages
    )
    return Part(
        name,
        tuple(_texts(queries)),
        tuple(_texts(corpus)),
        tuple(
            (query, answer, place)
            for query, answer, place in pairs
            if isinstance(query, str) and isinstance(answer, str)
        ),
        id(corpus),
    )


def _texts(texts: Texts) -> Iterator[Located]:
    return _located((text, texts.place(own)) for own, text in texts.values.items())


def _located(items: Iterable[tuple[Any, Place]]) -> Iterator[Located]:
    return (Located(text, place) for text, place in items if _is_text(text))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
