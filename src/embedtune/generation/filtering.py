"""Which questions are no use, by their texts alone. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from embedtune.data.near_duplicates import DEFAULT_THRESHOLD, near_pairs
from embedtune.generation.extracting import words_of
from embedtune.generation.passages import Passage, Question

COPIED_WORDS, COPIED_SHARE = 8, 0.8
"""A question copies its passage if it has that many successive words of it, and they are that share of its own."""
LONGEST = 1000
"""Characters of a question."""
_SHORTEST_ANSWER = 4


@dataclass(frozen=True)
class Query:
    """A question about one passage."""

    id: str
    text: str
    passage: str


@dataclass(frozen=True)
class Kept:
    """What is left, and how much was left out for which reason."""

    queries: tuple[Query, ...]
    dropped: Mapping[str, int]

    def without(self, reason: str, ids: Iterable[str]) -> Kept:
        """The same without some queries."""
        gone = set(ids)
        left = tuple(query for query in self.queries if query.id not in gone)
        return Kept(left, {**self.dropped, reason: len(self.queries) - len(left)})


def sift(passages: Sequence[Passage], answers: Mapping[str, Sequence[Question]]) -> Kept:
    """Leave out questions that are empty, give their answer away, or are asked more than once.

    Of questions that are equal, or nearly, about one passage the first is kept; of those about several none is,
    because each passage would count as wrong for the others.
    """
    dropped: Counter[str] = Counter(empty=0, copied=0)
    queries: list[Query] = []
    for passage in passages:
        for number, question in enumerate(answers.get(passage.id, ())):
            text = " ".join(question.text.split())
            if not words_of(text) or len(text) > LONGEST:
                dropped["empty"] += 1
            elif is_copied(text, question.answer, passage.text):
                dropped["copied"] += 1
            else:
                queries.append(Query(f"{passage.id}-{number}", text, passage.id))
    kept = Kept(tuple(queries), dict(dropped))
    return kept.without("repeated", _repeated(queries))


def is_copied(question: str, answer: str | None, passage: str) -> bool:
    """Whether a question holds its answer, or little but words of the passage in their order."""
    asked = words_of(question)
    told = words_of(answer or "")
    if len(" ".join(told)) >= _SHORTEST_ANSWER and _run(told) in _run(asked):
        return True
    length, text = max(COPIED_WORDS, math.ceil(COPIED_SHARE * len(asked))), _run(words_of(passage))
    return any(_run(asked[start : start + length]) in text for start in range(len(asked) - length + 1))


def _run(words: Sequence[str]) -> str:
    """Words as a text in which only whole ones are found."""
    return f" {' '.join(words)} "


def _repeated(queries: Sequence[Query]) -> Iterator[str]:
    groups = _same(query.text for query in queries)
    first: dict[str, Query] = {}
    about: dict[str, set[str]] = {}
    for query in queries:
        first.setdefault(groups[query.text], query)
        about.setdefault(groups[query.text], set()).add(query.passage)
    for query in queries:
        group = groups[query.text]
        if len(about[group]) > 1 or first[group] is not query:
            yield query.id


def _same(texts: Iterable[str]) -> dict[str, str]:
    """Text -> the first text that is nearly the same."""
    different = list(dict.fromkeys(texts))
    found = {text: text for text in different}
    for earlier, later in near_pairs(different, DEFAULT_THRESHOLD):
        found[later] = found[earlier]
    return found
