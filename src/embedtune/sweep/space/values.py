"""What the keys of a configuration are, as they are searched: enums by name, groups by the file that was chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from embedtune.config import Config, plain, value_of
from embedtune.sweep.space.space import SIZE

Values = Callable[[str], Any]
"""The value of a key; KeyError if it has none."""

_WEIGHTS = "loss.matryoshka.weights."


def values_of(config: Config | Mapping[str, Any], dim: int | None = None, fixed: Iterable[str] = ()) -> Values:
    """What the keys of a configuration are.

    Args:
        config: Composed, or as it was recorded.
        dim: At which the objective is read; None: as the configuration has it, where null stands for the full size.
        fixed: Overrides; those of a group say which of its files was chosen.
    """
    tree = plain(config)
    groups = {key: value for key, _, value in (override.partition("=") for override in fixed) if "." not in key}

    def value(key: str) -> Any:
        if key in groups:
            return groups[key]
        if key == SIZE and dim is not None:
            return dim
        try:
            found = value_of(tree, key)
        except KeyError:
            if key.startswith(_WEIGHTS) and value_of(tree, "loss.matryoshka") is not None:
                return 1.0
            raise
        if isinstance(found, Mapping | list):
            raise KeyError(key)
        return found

    return value


def value_or_none(values: Values, key: str) -> Any:
    """The value of a key; None if it has none."""
    try:
        return values(key)
    except KeyError:
        return None
