"""Values of a configuration's keys as they are searched: enums by name, groups by the chosen file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from embedtune.config import WEIGHTS, Config, plain, value_of, with_defaults
from embedtune.config.grammar import parse
from embedtune.records import Settings
from embedtune.sweep.space.distributions import values_of as choices_of
from embedtune.sweep.space.space import Space, to_overrides

Values = Callable[[str], Any]
"""The value of a key; KeyError if it has none."""

Files = Mapping[str, Mapping[str, Settings]]
"""Searched group -> name of a file of it -> what the group holds with it."""
NO_FILES: Files = {}


def values_of(
    config: Config | Settings, nulls: Settings | None = None, fixed: Iterable[str] = (), files: Files = NO_FILES
) -> Values:
    """Return a function that gives the value of each key of a configuration.

    Args:
        config: Composed, or as it was recorded.
        nulls: Key -> what null stands for, such as the full size or the model's own prompt.
        fixed: Overrides; those of a group say which of its files was chosen.
        files: Tell which file of any other group was chosen, by what the group holds.
    """
    tree = plain(config)
    chosen = {own.get_key_element(): own.value() for own in parse(text for text in fixed if _is_group(text))}

    def value(key: str) -> Any:
        if key in chosen:
            return chosen[key]
        if key in files:
            return _file(key, tree[key], files[key])
        try:
            found = value_of(tree, key)
        except KeyError:
            if key.startswith(WEIGHTS) and value_of(tree, "loss.matryoshka") is not None:
                return 1.0
            raise
        if isinstance(found, Mapping | list):
            raise KeyError(key)
        return (nulls or {}).get(key) if found is None else found

    return value


def files_of(space: Space, compose: Callable[[list[str]], Config]) -> Files:
    """The content of each file of each searched group, composed as a trial composes it."""
    groups = {key: own for key, own in space.distributions.items() if "." not in key}
    return {
        key: {word: plain(compose([*space.fixed, *to_overrides({key: word})]))[key] for word in choices_of(own) or ()}
        for key, own in groups.items()
    }


def _is_group(override: str) -> bool:
    return "." not in override.partition("=")[0]


def _file(group: str, section: Settings, files: Mapping[str, Settings]) -> str:
    defaults = plain(Config())[group]  # what an older version recorded lacks newer keys
    whole = with_defaults(section, defaults)
    found = next((word for word, held in files.items() if with_defaults(held, defaults) == whole), None)
    if found is None:
        raise KeyError(group)
    return found


def value_or_none(values: Values, key: str) -> Any:
    """The value of a key; None if it has none."""
    try:
        return values(key)
    except KeyError:
        return None
