"""What the keys of a configuration are, as they are searched: enums by name, groups by the file that was chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from embedtune.config import Config, objective_dim
from embedtune.sweep.space.space import SIZE

Values = Callable[[str], Any]
"""The value of a key; KeyError if it has none."""

_WEIGHTS = "loss.matryoshka.weights."
_MISSING = object()


def values_of(config: Config | DictConfig, full: int | None = None, fixed: Iterable[str] = ()) -> Values:
    """What the keys of a configuration are.

    Args:
        config: Composed, or as it was recorded.
        full: The model's full size, which ``eval.dim`` may stand for.
        fixed: Overrides; those of a group say which of its files was chosen.
    """
    tree = OmegaConf.structured(config)
    groups = {key: value for key, _, value in (override.partition("=") for override in fixed) if "." not in key}

    def value(key: str) -> Any:
        if key in groups:
            return groups[key]
        if key == SIZE and isinstance(config, Config) and full is not None:
            return objective_dim(config, full)
        weight = key.startswith(_WEIGHTS) and OmegaConf.select(tree, "loss.matryoshka") is not None
        found = OmegaConf.select(tree, key, default=1.0 if weight else _MISSING)
        if found is _MISSING or isinstance(found, DictConfig | ListConfig):
            raise KeyError(key)
        return getattr(found, "name", found)  # enums are searched by name

    return value


def value_or_none(values: Values, key: str) -> Any:
    """The value of a key; None if it has none."""
    try:
        return values(key)
    except KeyError:
        return None
