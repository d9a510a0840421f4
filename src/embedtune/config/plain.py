"""The configuration as plain values: dicts, lists, texts and numbers, with enums by name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, get_args, get_type_hints


def plain(node: Any) -> Any:
    """A part of the configuration, as it is recorded; the result shares nothing with it."""
    if is_dataclass(node):
        return {field.name: plain(getattr(node, field.name)) for field in fields(node)}
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    return node.name if isinstance(node, Enum) else node


def usual(node: Any, name: str) -> Any:
    """The default of a field; of a group that is left out by default, such as ``train.lora``, the group at its own."""
    value = getattr(node, name)
    if value is not None:
        return value
    kinds = get_args(get_type_hints(type(node))[name])
    return next((kind() for kind in kinds if is_dataclass(kind) and isinstance(kind, type)), None)


def value_of(tree: Any, key: str) -> Any:
    """The value of a dotted key.

    Args:
        tree: From :func:`plain`, or a recorded configuration.
        key: Such as ``loss.matryoshka.dims``.

    Raises:
        KeyError: There is no such key.
    """
    found = tree
    for part in key.split("."):
        if not isinstance(found, Mapping):
            raise KeyError(key)
        found = found[part]
    return found


def with_defaults(stored: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The recorded settings and, at their defaults, the keys newer than them."""
    filled = {
        key: with_defaults(value, defaults[key])
        if isinstance(value, Mapping) and isinstance(defaults.get(key), Mapping)
        else value
        for key, value in stored.items()
    }
    return {**defaults, **filled}
