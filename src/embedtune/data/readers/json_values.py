"""JSON as it is written: one value a line, one array, or values over several lines; each with the line it begins in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from embedtune.data.drafts import Notes
from embedtune.data.readers.boundary import PARSING, Unreadable, problem

_BLANK = " \t\n\r"

Line = tuple[int, Any]


class _Parser:
    """A JSON parser that refuses repeated keys: the last one would win silently."""

    def __init__(self) -> None:
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object)
        self._repeated: str | None = None

    def parse(self, text: str, place: str) -> Any:
        """The one value in ``text``."""
        value = self._decoder.decode(text)
        self._check(place)
        return value

    def parse_next(self, text: str, start: int, place: str) -> tuple[Any, int]:
        """The value that begins at ``start``, and where it ends."""
        value, end = self._decoder.raw_decode(text, start)
        self._check(place)
        return value, end

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs) and self._repeated is None:
            self._repeated = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        return found

    def _check(self, place: str) -> None:
        repeated, self._repeated = self._repeated, None
        if repeated is not None:
            message = f"{place} must not repeat a key, but got {repeated!r} twice in one object."
            raise Unreadable("repeated keys", f"{message} Rename or remove one.")


def is_json(text: str) -> bool:
    """Whether the text begins as objects and arrays do."""
    return text.lstrip(_BLANK).startswith(("{", "["))


def json_values(text: str, file: str, notes: Notes) -> Iterable[Line]:
    """Every value with its line; of one array, its items. What cannot be read is noted.

    Raises:
        ValueError: And what else a parser raises, where it is not known where the next value would begin.
    """
    if _one_a_line(text):
        return _lines(text, file, notes)
    start = len(text) - len(text.lstrip(_BLANK))
    parser = _Parser()
    try:
        return _items(text, start, parser, file) if text[start] == "[" else _sequence(text, start, parser, file)
    except json.JSONDecodeError as error:
        raise Unreadable(*problem(f"{file}:{error.lineno}", error)) from error


def json_objects(text: str, file: str, notes: Notes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The values that are objects; others are noted."""
    for number, value in json_values(text, file, notes) if text.strip(_BLANK) else ():
        if isinstance(value, dict):
            yield number, value
        else:
            message = f"{file}:{number} must be a JSON object, but got {type(value).__name__}. Write one object a line."
            notes.refuse(f"lines of {file} that are not objects", message)


def _one_a_line(text: str) -> bool:
    """Whether the first line holds a whole value; or the second one does, so that it is the first that is torn."""
    first, *second = _first_lines(text, 2)
    if first.startswith("["):
        return bool(second) and _is_value(first)
    return any(line.startswith("{") and _is_value(line) for line in (first, *second))


def _first_lines(text: str, count: int) -> list[str]:
    """Lines that are not blank, at most ``count``."""
    found: list[str] = []
    position = 0
    while position < len(text) and len(found) < count:
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end].strip(_BLANK)
        found += [line] if line else []
        position = end + 1
    return found


def _is_value(text: str) -> bool:
    try:
        json.loads(text)
    except PARSING:
        return False
    return True


def _lines(text: str, file: str, notes: Notes) -> Iterator[Line]:
    """Lines end at line feeds alone: U+2028 and its like are valid within a JSON string."""
    parser = _Parser()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip(_BLANK):
            continue
        try:
            yield number, parser.parse(line, f"{file}:{number}")
        except (Unreadable, *PARSING) as error:
            notes.problems.append(problem(f"{file}:{number}", error))


def _items(text: str, start: int, parser: _Parser, file: str) -> list[Line]:
    """The items of the one array in the text."""
    found: list[Line] = []
    line, counted, position = 1, 0, _skip(text, start + 1)
    while text[position : position + 1] != "]":
        line, counted = line + text.count("\n", counted, position), position
        value, position = parser.parse_next(text, position, f"{file}:{line}")
        found.append((line, value))
        position = _skip(text, position)
        if text[position : position + 1] == ",":
            position = _skip(text, position + 1)
        elif text[position : position + 1] != "]":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, position)
    rest = _skip(text, position + 1)
    if rest < len(text):
        raise json.JSONDecodeError("Extra data", text, rest)
    return found


def _sequence(text: str, start: int, parser: _Parser, file: str) -> list[Line]:
    """Values one after the other, as ``jq`` prints them."""
    found: list[Line] = []
    line, counted, position = 1, 0, start
    while position < len(text):
        line, counted = line + text.count("\n", counted, position), position
        value, end = parser.parse_next(text, position, f"{file}:{line}")
        found.append((line, value))
        position = _skip(text, end)
    return found


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BLANK:
        position += 1
    return position
