"""The override grammar, ``KEY=VALUE``: reading it, and writing it so that it reads back the same. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hydra.errors import OverrideParseException

from embedtune.config.explain import explain
from embedtune.config.hydra_private import ChoiceSweep, Override, RangeSweep, parse_override
from embedtune.errors import ConfigError

Value = str | int | float | bool | None
"""The value of a parameter."""

_WORD = re.compile(r"(?!(?:true|false|null|inf|nan)\Z)[a-z_/][a-z0-9_./@+-]*", re.IGNORECASE | re.ASCII)
"""Text that the grammar reads as itself; words that mean something else are quoted."""
_SLASHES_BEFORE_QUOTE = re.compile(r'(\\*)("|\Z)')
_SLASHES_BEFORE_INTERPOLATION = re.compile(r"(\\*)\$\{")
_NULL_CHOICE = re.compile(r"\s*choice\s*\((.*\bnull\b.*)\)\s*", re.IGNORECASE | re.DOTALL)


def parse(overrides: Iterable[str]) -> list[Override]:
    """Overrides as Hydra reads them.

    Raises:
        ConfigError: One of them does not follow the grammar.
    """
    return [_parse(text) for text in overrides]


def quote(value: Any) -> str:
    """A value as the grammar has it: ``parse`` of ``KEY=`` and this gives an equal value of the same type.

    An interpolation stays one: what is composed from the text ``${key}`` is what the key has (see :func:`verbatim`).

    Args:
        value: Text, a number, a bool, None, or a sequence or mapping of these.

    Raises:
        ValueError: A key of a mapping is one that the grammar has no words for, or the value is of another type.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) else f'"{_SLASHES_BEFORE_QUOTE.sub(_doubled, value)}"'
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return repr(float(value))  # that of a subclass, such as numpy's, may name its type
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{_key(key)}:{quote(item)}' for key, item in value.items())}}}"
    if isinstance(value, Sequence):
        return f"[{','.join(map(quote, value))}]"
    raise ValueError(f"{type(value).__name__} has no form in the grammar of overrides")


def verbatim(value: Any) -> Any:
    """A value that composition takes as it stands: ``${`` in a text begins no interpolation."""
    if isinstance(value, str):
        return _SLASHES_BEFORE_INTERPOLATION.sub(r"\1\1\\${", value)
    if isinstance(value, Mapping):
        return {key: verbatim(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [verbatim(item) for item in value]
    return value


def as_hydra_takes_it(override: str) -> str:
    """An override in a form that Hydra 1.3 reads: it refuses plain letters beyond ASCII, and null in a ``choice``."""
    key, equals, value = override.partition("=")
    if not equals:
        return override
    if match := _NULL_CHOICE.fullmatch(value):
        return f"{key}={match[1]}"  # A,B and choice(A,B) mean the same
    if value.isascii() or value[0] in "'\"[{" or "(" in value or _is_read(override):
        return override
    return f"{key}={quote(value)}"


def choices(override: Override) -> list[Value]:
    """The values of a ``choice``, in the order written.

    Raises:
        ValueError: It is a ``glob``, its order is left to chance, or one of its values is a list, a mapping or a sweep.
    """
    sweep: Any = override.value()
    if not isinstance(sweep, ChoiceSweep):
        raise ValueError("a glob cannot be searched; write the names, as choice(A, B)")
    refuse_shuffle(sweep)
    values: list[Any] = [getattr(value, "text", value) for value in sweep.list]
    odd = [value for value in values if not isinstance(value, str | int | float | None)]
    if odd:
        shown = odd[0] if isinstance(odd[0], list | dict) else "another sweep"
        raise ValueError(f"a choice must be text, a number, true, false or null, not {shown}")
    return values


def refuse_shuffle(sweep: ChoiceSweep | RangeSweep) -> None:
    """Check that a sweep has one order: each worker reads it anew, and all must read the same.

    Raises:
        ValueError: It is a ``shuffle``.
    """
    if sweep.shuffle:
        raise ValueError("the sampler decides the order; leave out shuffle")


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of one kind: true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _parse(text: str) -> Override:
    try:
        return parse_override(as_hydra_takes_it(text))
    except Exception as error:  # Hydra's own, and Python's for nests too deep and numbers too long
        raise ConfigError(explain(error, [text])) from error


def _is_read(override: str) -> bool:
    try:
        parse_override(override)
    except (OverrideParseException, ValueError, RecursionError):
        return False
    return True


def _doubled(slashes: re.Match[str]) -> str:
    """Backslashes before a quote are doubled, and the quote has one of its own."""
    return slashes[1] * 2 + (f"\\{slashes[2]}" if slashes[2] else "")


def _key(key: Any) -> str:
    if isinstance(key, str) and _WORD.fullmatch(key):
        return key
    if isinstance(key, int | float) or key is None:
        return quote(key)
    raise ValueError(f"a key of a mapping must be a plain word, not {key!r}")
