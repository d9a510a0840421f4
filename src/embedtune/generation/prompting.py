"""What a server is told, and what its words mean. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from embedtune.generation.passages import Passage, Question
from embedtune.generation.sections import clean
from embedtune.typed import Document

FORM = (
    'Answer with a JSON list and nothing else: [{"question": "...", "answer": "..."}], where the answer is a few words '
    "of the passage."
)
_THOUGHT = re.compile(r"<think>.*?(?:</think>|$)", re.DOTALL)
_MOST_BEGINNINGS = 50
"""Of JSON that are tried: text that only looks like it would take as long as the square of its length."""
_BEGIN = re.compile(r"[\[{]")
_LISTED = re.compile(r"\s*(?:[-*•]|\(?\d+[.):])?\s*(.*\?)\s*")


def messages(instruction: str, count: int, passage: Passage) -> list[dict[str, str]]:
    """A chat of the instruction and one passage, which is told apart from it."""
    told = f"{instruction.replace('{count}', str(count)).strip()} {FORM}"
    return [
        {"role": "system", "content": told},
        {"role": "user", "content": f"<passage>\n{passage.whole}\n</passage>"},
    ]


def questions_in(content: str, most: int) -> list[Question] | None:
    """The questions of an answer, of any form that models write; None if it has none."""
    text = _THOUGHT.sub("", content)
    found = [question for value in _json_values(text) for question in _questions(value)]
    if not found:
        found = [Question(match[1]) for line in text.splitlines() if (match := _LISTED.fullmatch(line))]
    cleaned = [Question(_line(own.text), _line(own.answer) if own.answer else None) for own in found]
    return [own for own in cleaned if own.text][:most] or None


def content_of(document: Any) -> str | None:
    """The text of an answer of the chat completions protocol; None if there is none."""
    try:
        content = document["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        return None
    return content if isinstance(content, str) and content.strip() else None


def request(model: str, chat: list[dict[str, str]], seed: int) -> Document:
    """The body of a request."""
    return {"model": model, "messages": chat, "seed": seed}


def _line(text: str) -> str:
    return " ".join(clean(text).split())


def _json_values(text: str) -> Iterator[Any]:
    """The outermost JSON lists and objects within a text."""
    decoder, place = json.JSONDecoder(), 0
    for _ in range(_MOST_BEGINNINGS):
        match = _BEGIN.search(text, place)
        if match is None:
            return
        try:
            value, place = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            place = match.end()
            continue
        yield value


def _questions(value: Any) -> Iterator[Question]:
    """Those in a list of texts or objects, or in an object that has such a list."""
    if isinstance(value, dict):
        asked, answer = value.get("question", value.get("query")), value.get("answer")
        if isinstance(asked, str):
            yield Question(asked, answer if isinstance(answer, str) else None)
        else:
            yield from (found for own in value.values() if isinstance(own, list) for found in _questions(own))
    elif isinstance(value, list):
        for own in value:
            if isinstance(own, str):
                yield Question(own)
            elif isinstance(own, dict):
                yield from _questions(own)
