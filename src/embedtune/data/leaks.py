"""Queries and answers of one split that another has too: found with their places, refused, or dropped. Pure.

The evaluation is what must stay honest, so of two splits that share a text the one that is judged later keeps it: test
before validation, validation before training.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from embedtune.data.division import without_pairs
from embedtune.data.drafts import Place, Problem, Rows, Table
from embedtune.data.near_duplicates import representatives
from embedtune.data.overlap import shown

ORDER = ("train", "validation", "test")
NOUNS = ("queries", "relevant passages")

Parts = Mapping[str, Sequence[Table]]
"""Split -> its tables; training may have several."""


@dataclass(frozen=True)
class Leak:
    """One text of ``split`` that ``other`` has too.

    Attributes:
        noun: One of :data:`NOUNS`.
        is_near: Whether it is nearly the same there, and not equal.
    """

    split: str
    other: str
    noun: str
    text: str
    place: Place
    is_near: bool


def parts_of(splits: Mapping[str, Table], extra: Mapping[str, Table]) -> dict[str, list[Table]]:
    """The tables of each split, in the order of :data:`ORDER`; further training sets are for training."""
    tables = {split: [splits[split]] if split in splits else [] for split in ORDER}
    tables["train"] += extra.values()
    return {split: found for split, found in tables.items() if found}


def find_leaks(parts: Parts, near: float | None) -> Iterator[Leak]:
    """Every query and every answer of a split that a later one has; each place once for each pair of splits.

    Args:
        parts: The splits; texts that are no texts are passed over.
        near: Similarity from which texts count as the same; None: only equal ones do.
    """
    for position, noun in enumerate(NOUNS):
        found = {
            split: [(own[position], place) for table in tables for *own, place in _pairs(table)]
            for split, tables in parts.items()
        }
        same = _same((text for texts in found.values() for text, _ in texts), near)
        known = {split: {text for text, _ in texts} for split, texts in found.items()}
        alike = {split: {same.get(text, text) for text in texts} for split, texts in known.items()}
        for split, other in combinations([split for split in ORDER if split in parts], 2):
            for text, place in dict.fromkeys(found[split]):
                if same.get(text, text) in alike[other]:
                    yield Leak(split, other, noun, text, place, text not in known[other])


def leak_problems(leaks: Iterable[Leak]) -> Iterator[Problem]:
    """Each leak as a problem, for ``data.on_leak=error``."""
    for leak in leaks:
        noun = "a query" if leak.noun == "queries" else "an answer"
        nearly = "nearly " if leak.is_near else ""
        message = (
            f"{leak.place} must have {noun} that is not in {leak.other}, but got {nearly}the same. "
            "Remove one, or set data.on_leak=drop."
        )
        yield Problem(f"{leak.noun} both in {leak.split} and in {leak.other}", message, leak.place)


def without_leaks(
    splits: Mapping[str, Table], extra: Mapping[str, Table], near: float | None
) -> tuple[dict[str, Table], dict[str, Table], list[str]]:
    """The splits and the further sets without the pairs that a later split shares a text with, and what was dropped."""
    parts = parts_of(splits, extra)
    leaks: dict[str, dict[str, set[str]]] = {}
    for leak in find_leaks(parts, near):
        leaks.setdefault(leak.split, {noun: set() for noun in NOUNS})[leak.noun].add(leak.text)
    warnings: list[str] = []

    def cleaned(split: str, name: str, table: Table) -> Table:
        if split not in leaks:
            return table
        queries, answers = (leaks[split][noun] for noun in NOUNS)
        kept = without_pairs(table, lambda query, answer: query in queries or answer in answers)
        before, after = _count(table), _count(kept)
        if before > after:
            warnings.append(
                f"{name}: {before - after} of {before} pairs of query and answer are dropped, because a later split "
                "has the query or the answer too (data.on_leak=drop)."
            )
        return kept

    return (
        {split: cleaned(split, split, table) for split, table in splits.items()},
        {name: cleaned("train", f"training set {name}", table) for name, table in extra.items()},
        warnings,
    )


def near_warnings(leaks: Iterable[Leak]) -> Iterator[str]:
    """A sentence for each pair of splits that share texts which are nearly, not quite, the same."""
    counts: dict[tuple[str, str, str], list[Leak]] = {}
    for leak in leaks:
        if leak.is_near:
            counts.setdefault((leak.noun, leak.split, leak.other), []).append(leak)
    for (noun, split, other), found in counts.items():
        yield f"{len(found)} {noun} of {split} are nearly the same as one of {other}, e.g. {shown(found[0].text)}."


def _pairs(table: Table) -> Iterator[tuple[str, str, Place]]:
    """Query, answer and place of each pair that is whole."""
    if isinstance(table, Rows):
        for number, row in enumerate(table.values):
            if isinstance(row[0], str) and isinstance(row[1], str):
                yield row[0], row[1], table.place(number)
        return
    queries, corpus = table.queries.values, table.corpus.values
    for query, passages in table.relevance.values.items():
        for passage in passages:
            text, answer = queries.get(query), corpus.get(passage)
            if isinstance(text, str) and isinstance(answer, str):
                yield text, answer, table.relevance.place(query, passage)


def _count(table: Table) -> int:
    return len(table.values) if isinstance(table, Rows) else sum(map(len, table.relevance.values.values()))


def _same(texts: Iterable[str], near: float | None) -> Mapping[str, str]:
    return representatives(texts, near) if near else {}
