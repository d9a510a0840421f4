"""Training passages as distractors: a corpus that distinguishes between good models. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from embedtune.data.digest import text_id
from embedtune.records import RetrievalSet, TrainingSet


def add_distractors(data: RetrievalSet, training: Sequence[TrainingSet]) -> RetrievalSet:
    """The same queries in a corpus that holds the passages of the training rows too.

    A passage is left out that repeats the text of one the corpus has, or that a training row gives as the answer to
    one of the queries: it would count as wrong though it is not. Texts are compared without case and white space.
    """
    taken = {_plain(text) for text in data.corpus.values()} | set(_answers(data.queries.values(), training))
    added: dict[str, str] = {}
    for text in _passages(training):
        if _plain(text) not in taken:
            taken.add(_plain(text))
            added[f"train:{text_id(text)}"] = text
    return replace(data, corpus={**added, **data.corpus})


def _passages(training: Sequence[TrainingSet]) -> Iterator[str]:
    """Positives and negatives."""
    for part in training:
        for name, texts in part.columns.items():
            if name != "anchor":
                yield from texts


def _answers(queries: Iterable[str], training: Sequence[TrainingSet]) -> Iterator[str]:
    """The answers of the training rows to these queries."""
    asked = {_plain(query) for query in queries}
    for part in training:
        for anchor, positive in zip(part.columns["anchor"], part.columns["positive"], strict=True):
            if _plain(anchor) in asked:
                yield _plain(positive)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
