"""Texts cut into passages of a limited number of tokens, each beginning with the end of the one before. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Counter = Callable[[Sequence[str]], Sequence[int]]
"""The tokens of each text, without special ones."""

_SENTENCE = re.compile(r".+?(?:[.!?…][\"')\]]*(?=\s)|[。！？]|\n+|$)", re.DOTALL)
_WORD = re.compile(r"\S+\s*")


@dataclass(frozen=True)
class Piece:
    """A part of a text that stays whole.

    Attributes:
        start: Its first character.
        end: The character after its last.
        tokens: Its length.
    """

    start: int
    end: int
    tokens: int


def chunk(text: str, size: int, overlap: int, count: Counter) -> list[str]:
    """The passages of a text.

    A passage ends with a sentence, or in a sentence too long for one with a word, or in such a word anywhere.

    Args:
        text: Of a section.
        size: Tokens of a passage at most; only a single character may have more.
        overlap: Tokens of the passage before that it begins with, at most; less than ``size``.
        count: Of the model's tokenizer.
    """
    pieces = pieces_of(text, size, count)
    found, start = [], 0
    while start < len(pieces):
        end = _reach(pieces, start, size)
        found.append(text[pieces[start].start : pieces[end - 1].end].strip())
        start = end if end == len(pieces) else _step_back(pieces, start, end, size, overlap)
    return [own for own in found if own]


def pieces_of(text: str, size: int, count: Counter) -> list[Piece]:
    """The sentences of a text, divided where they have more than ``size`` tokens."""
    spans = [match.span() for match in _SENTENCE.finditer(text)]
    tokens = count([text[start:end] for start, end in spans])
    found: list[Piece] = []
    for (start, end), own in zip(spans, tokens, strict=True):
        found += [Piece(start, end, own)] if own <= size else _words(text, start, end, size, count)
    return found


def _words(text: str, start: int, end: int, size: int, count: Counter) -> Iterator[Piece]:
    spans = [match.span() for match in _WORD.finditer(text, start, end)]
    if not spans:
        return
    spans[0] = (start, spans[0][1])
    for (first, last), own in zip(spans, count([text[first:last] for first, last in spans]), strict=True):
        if own <= size:
            yield Piece(first, last, own)
        else:
            yield from _halves(text, first, last, size, count)


def _halves(text: str, start: int, end: int, size: int, count: Counter) -> Iterator[Piece]:
    (own,) = count([text[start:end]])
    if own <= size or end - start == 1:
        yield Piece(start, end, own)
        return
    middle = (start + end) // 2
    yield from _halves(text, start, middle, size, count)
    yield from _halves(text, middle, end, size, count)


def _reach(pieces: Sequence[Piece], start: int, size: int) -> int:
    """The piece after the last that fits into a passage from ``start``; the first always does."""
    end, total = start + 1, pieces[start].tokens
    while end < len(pieces) and total + pieces[end].tokens <= size:
        total += pieces[end].tokens
        end += 1
    return end


def _step_back(pieces: Sequence[Piece], start: int, end: int, size: int, overlap: int) -> int:
    """Where the next passage begins: as far before ``end`` as the overlap goes, and room is left for what is new."""
    room = min(overlap, size - pieces[end].tokens)
    begin, total = end, 0
    while begin - 1 > start and total + pieces[begin - 1].tokens <= room:
        begin -= 1
        total += pieces[begin].tokens
    return begin
