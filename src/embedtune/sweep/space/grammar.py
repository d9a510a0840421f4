"""Hydra's override grammar, read for its values. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Transformer
from hydra.errors import OverrideParseException

from embedtune.config.explain import explain
from embedtune.errors import ConfigError

Value = str | int | float | bool | None
"""What a parameter can be."""


def parse(overrides: Iterable[str]) -> list[Override]:
    """Overrides as Hydra reads them.

    Raises:
        ConfigError: One of them does not follow the grammar.
    """
    try:
        return OverridesParser.create().parse_overrides(list(overrides))
    except OverrideParseException as error:
        raise ConfigError(explain(error)) from error


def choices(override: Override) -> list[Value]:
    """The values of a ``choice``.

    Raises:
        ValueError: One of them is a list or a mapping.
    """
    values = list(override.sweep_iterator(transformer=Transformer.identity))
    odd = [value for value in values if isinstance(value, list | dict)]
    if odd:
        raise ValueError(f"a choice must be text, a number, true, false or null, not {odd[0]}")
    return values  # type: ignore[return-value]  # narrowed above


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of one kind: true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
