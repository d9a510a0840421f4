"""The one conversion from Hydra's composed configuration to a checked ``Config``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from embedtune.config.explain import explain
from embedtune.config.plain import plain, usual
from embedtune.config.redaction import remember_secrets
from embedtune.config.rules import problems
from embedtune.config.schema import Config
from embedtune.errors import ConfigError, cut, join_problems

LARGEST = 2**63 - 1
"""Whole numbers are handed to libraries that keep 64 bits of them."""


def to_config(cfg: DictConfig) -> Config:
    """Convert Hydra's composed configuration and check every rule.

    Raises:
        ConfigError: With every broken rule, one a line.
    """
    try:
        config = OmegaConf.to_object(cfg)
    except Exception as error:  # of interpolations and their resolvers; whatever it is, the user typed it
        raise ConfigError(explain(error)) from error
    if not isinstance(config, Config):
        raise ConfigError(
            f"config must extend the schema, but got {type(config).__name__}. Add 'schema' to its defaults."
        )
    remember_secrets([config.study.storage, config.tracking.uri, config.data.path])
    # Rules are asked of values of the right kind alone.
    found = [*_unknown_keys(cfg, config), *_misfits(config, Config()), *odd_values(plain(config))] or problems(config)
    if found:
        raise ConfigError(join_problems(found))
    return config


def _unknown_keys(cfg: DictConfig, node: Any, prefix: str = "") -> Iterator[str]:
    """Keys added with ``+`` that nothing would read."""
    known = {field.name for field in fields(node)}
    for name in map(str, cfg):
        value = getattr(node, name, None)
        if name not in known:
            yield f"{prefix}{name} must be a key of the configuration, but there is none of that name. Remove it."
        elif is_dataclass(value):
            yield from _unknown_keys(cfg[name], value, f"{prefix}{name}.")


def _misfits(node: Any, default: Any, prefix: str = "") -> Iterator[str]:
    """Problems with interpolations that yield a value of the wrong kind, which OmegaConf lets pass."""
    for field in fields(node):
        value, expected, key = getattr(node, field.name), usual(default, field.name), f"{prefix}{field.name}"
        if value is None:
            if "None" not in str(field.type) and field.type != "Any":
                yield f"{key} must have a value, but got null. Remove it."
        elif is_dataclass(expected) and isinstance(value, type(expected)):
            yield from _misfits(value, expected, f"{key}.")
        elif is_dataclass(value) or isinstance(value, Mapping) != isinstance(expected, Mapping):
            kinds = {dict: "a mapping", True: "a group", False: "one value"}
            kind = kinds[dict if isinstance(expected, Mapping) else is_dataclass(expected)]
            yield f"{key} must be {kind}, but got {cut(str(value))}. Correct what stands in ${{}}."


def odd_values(node: Any, key: str = "") -> Iterator[str]:
    """Values that no file, library or record can hold, whatever their key."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from odd_values(str(name), f"{key} (a name)" if key else str(name))
            yield from odd_values(value, f"{key}.{name}" if key else str(name))
    elif isinstance(node, list):
        for value in node:
            yield from odd_values(value, key)
    elif isinstance(node, str) and ("\0" in node or not _is_text(node)):
        yield f"{key} must be text without NUL, in UTF-8, but got {node!a:.100}. Rename what it names."
    elif isinstance(node, int) and abs(node) > LARGEST:
        yield f"{key} must be a number of at most 19 digits, but got one of more. Choose a smaller one."


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
