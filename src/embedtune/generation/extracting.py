"""Questions without anybody to ask: the headings of a passage, and the rarest words of its sentences. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from embedtune.generation.passages import Passage, Question

MOST_WORDS, FEWEST_WORDS = 6, 3
"""Of a question made of a sentence."""
_FREQUENT = 0.2
"""A word in a larger share of the passages says nothing."""

_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+|(?<=[。！？])")
_WORDS = re.compile(r"[^\W_][\w'-]*[^\W_]|[^\W_]")


def extract(passages: Sequence[Passage], most: int) -> dict[str, list[Question]]:
    """Id -> up to ``most`` questions about each passage, headings first, then its most telling sentences."""
    rarity = _rarity(passages)
    found = {}
    for passage in passages:
        questions = _from_headings(passage)[:most]
        questions += _from_sentences(passage, rarity)[: most - len(questions)]
        found[passage.id] = questions
    return found


def words_of(text: str) -> list[str]:
    """The words of a text in lower case."""
    return [word.casefold() for word in _WORDS.findall(text)]


def _rarity(passages: Sequence[Passage]) -> dict[str, float]:
    """Word -> its inverse document frequency; 0 for what many passages have."""
    counts = Counter(word for passage in passages for word in set(words_of(passage.text)))
    limit = max(1.0, _FREQUENT * len(passages))
    return {word: math.log(1 + len(passages) / count) if count <= limit else 0.0 for word, count in counts.items()}


def _from_headings(passage: Passage) -> list[Question]:
    """The lowest two headings, for the first passage below them: that of others would be the same."""
    text = ": ".join(passage.headings[-2:])
    return [Question(text)] if passage.is_first and len(words_of(text)) >= 2 else []


def _from_sentences(passage: Passage, rarity: Mapping[str, float]) -> list[Question]:
    scored: dict[str, float] = {}
    for sentence in _SENTENCES.split(passage.text):
        words = list(dict.fromkeys(_WORDS.findall(sentence)))
        telling = [word for word in words if rarity.get(word.casefold(), 0.0) > 0 and not word.isdigit()]
        rarest = sorted(telling, key=lambda word: -rarity[word.casefold()])[:MOST_WORDS]
        if len(rarest) >= FEWEST_WORDS:
            text = " ".join(word for word in words if word in rarest)
            scored.setdefault(text, sum(rarity[word.casefold()] for word in rarest))
    return [Question(text) for text in sorted(scored, key=lambda text: -scored[text])]
