"""Plain values, as JSON and YAML have them, read as dataclasses: types are checked, nothing is resolved. Pure."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

Document = dict[str, Any]
"""One JSON object, where it is written or was just read; between modules travel dataclasses."""

_LARGEST = 2**63
"""Whole numbers below this have a place in every file and library."""
_SHOWN = 60
"""Characters of a wrong value that are shown."""
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


class Mismatch(ValueError):
    """Values are not those of the dataclass; says each."""


def read(kind: type[T], values: object, *, unknown: bool = False) -> T:
    """An instance of a dataclass, and of those within it.

    Args:
        kind: The dataclass. Fields may be of the types that JSON has, enums (by value), dataclasses, sequences and
            mappings of these, and unions; what is missing takes its default.
        values: A mapping, or an instance that is to be checked.
        unknown: Whether keys that the dataclass has not, as a newer version may write them, are left out; else they
            are wrong.

    Raises:
        Mismatch: With every value that is missing, unknown or of another type.
    """
    reading = _Reading(unknown)
    found = reading.instance(kind, values, "")
    if reading.problems:
        raise Mismatch("; ".join(reading.problems))
    return found  # type: ignore[no-any-return]


def is_number(value: object) -> bool:
    """Whether a value is a finite number, and no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass
class _Reading:
    unknown: bool
    problems: list[str] = field(default_factory=list)

    def instance(self, kind: Any, values: object, at: str) -> Any:
        if isinstance(values, kind):
            values = {own.name: getattr(values, own.name) for own in fields(kind)}
        if not isinstance(values, Mapping):
            return self.wrong(at, "a mapping of keys to values", values)
        prefix, hints = f"{at}." if at else "", _hints(kind)
        known = {own.name: own for own in fields(kind)}
        if not self.unknown:
            self.problems += [f"{prefix}{name} is not known" for name in values if name not in known]
        missing = [name for name, own in known.items() if name not in values and _is_needed(own)]
        self.problems += [f"{prefix}{name} is missing" for name in missing]
        found = {name: self.value(hints[name], values[name], prefix + name) for name in known if name in values}
        return None if self.problems else kind(**found)

    def value(self, hint: Any, value: object, at: str) -> Any:
        if hint is Any:
            return value
        if hint in _WORDS:
            return value if type(value) is hint and _fits(value) else self.scalar(hint, value, at)
        origin, inner = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            return self.one_of(inner, value, at)
        if origin is Literal:
            return value if value in inner else self.wrong(at, f"one of {', '.join(map(str, inner))}", value)
        if origin is not None and issubclass(origin, Mapping):
            return self.mapping(inner, value, at)
        if origin is not None and issubclass(origin, Sequence):
            return self.sequence(origin, inner[0], value, at)
        if is_dataclass(hint):
            return self.instance(hint, value, at)
        return self.member(hint, value, at)

    def scalar(self, kind: type[Any], value: object, at: str) -> Any:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if kind is float and whole and _fits(value):
            return float(value)  # type: ignore[arg-type]
        return self.wrong(at, _WORDS[kind], value)

    def one_of(self, hints: Sequence[Any], value: object, at: str) -> Any:
        if value is None and types.NoneType in hints:
            return None
        tried = []
        for hint in (own for own in hints if own is not types.NoneType):
            reading = _Reading(self.unknown)
            found = reading.value(hint, value, at)
            if not reading.problems:
                return found
            tried.append(reading.problems)
        self.problems += tried[-1]
        return None

    def mapping(self, hints: Sequence[Any], value: object, at: str) -> Any:
        if not isinstance(value, Mapping):
            return self.wrong(at, "a mapping", value)
        key_hint, hint = hints
        keys = [key for key in value if key_hint is not Any and not isinstance(key, key_hint)]
        if keys:
            return self.wrong(f"a key of {at}", _WORDS[key_hint], keys[0])
        return dict(value) if hint is Any else {key: self.value(hint, own, f"{at}.{key}") for key, own in value.items()}

    def sequence(self, kind: type[Any], hint: Any, value: object, at: str) -> Any:
        if not isinstance(value, list | tuple):
            return self.wrong(at, "a list", value)
        found = [self.value(hint, own, f"{at}[{place}]") for place, own in enumerate(value)]
        return found if kind is list else tuple(found)

    def member(self, kind: type[Enum], value: object, at: str) -> Any:
        try:
            return kind(value)
        except ValueError:
            return self.wrong(at, f"one of {', '.join(str(own.value) for own in kind)}", value)

    def wrong(self, at: str, rule: str, value: object) -> None:
        said = repr(value) if isinstance(value, str | int | float | None) and _fits(value) else type(value).__name__
        self.problems.append(f"{at or 'it'} must be {rule}, but is {said[:_SHOWN]}")


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _is_needed(own: Field[Any]) -> bool:
    return own.default is MISSING and own.default_factory is MISSING


def _fits(value: object) -> bool:
    return not isinstance(value, int) or abs(value) < _LARGEST
