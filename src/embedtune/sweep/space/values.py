"""What the keys of a configuration are, as they are searched: enums by name, groups by the file that was chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from embedtune.config import Config, objective_dim, plain, value_of
from embedtune.sweep.space.space import SIZE

Values = Callable[[str], Any]
"""The value of a key; KeyError if it has none."""

_WEIGHTS = "loss.matryoshka.weights."


def values_of(config: Config | Mapping[str, Any], full: int | None = None, fixed: Iterable[str] = ()) -> Values:
    """What the keys of a configuration are.

    Args:
        config: Composed, or as it was recorded.
        full: The model's full size, which ``eval.dim`` may stand for.
        fixed: Overrides; those of a group say which of its files was chosen.
    """
    tree = plain(config)
    groups = {key: value for key, _, value in (override.partition("=") for override in fixed) if "." not in key}

    def value(key: str) -> Any:
        if key in groups:
            return groups[key]
        if key == SIZE and isinstance(config, Config) and full is not None:
            return objective_dim(config, full)
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
