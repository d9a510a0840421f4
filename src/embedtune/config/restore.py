"""Turn a recorded configuration back into a checked one. It is data: nothing in it is interpolated or run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedtune.config.convert import odd_values
from embedtune.config.plain import plain
from embedtune.config.rules import problems
from embedtune.config.schema import Config
from embedtune.errors import ConfigError, join_problems
from embedtune.typed import Mismatch, read

_BEFORE = {"train": {"kernels": "stock"}}
"""Values that stand for the behaviour before a key existed, where today's default differs."""


def restore_config(recorded: Mapping[str, Any], *, trust_remote_code: bool) -> Config:
    """The configuration of a recorded trial.

    Args:
        recorded: As ``config.yaml`` has it; somebody else may have written it.
        trust_remote_code: Whether this command allows the code of a model; a record cannot.

    Raises:
        ConfigError: It was written by another version whose keys differ, breaks a rule, or was recorded with code of
            the model that this command does not allow.
    """
    try:
        config = read(Config, _with_earlier_meaning(recorded))
    except Mismatch as error:
        raise ConfigError(f"the recorded configuration must fit this version, but {error}.") from error
    found = [*odd_values(plain(config))] or problems(config)
    if config.model.trust_remote_code and not trust_remote_code:
        found.append(
            f"model.trust_remote_code must be allowed by this command, but got it from a record alone, for the code of "
            f"{config.model.name}. Read that code, then type model.trust_remote_code=true."
        )
    if found:
        raise ConfigError(join_problems(found))
    config.model.trust_remote_code = trust_remote_code
    return config


def _with_earlier_meaning(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """A record with the keys that are newer than it, so that what is done again is what was done."""
    groups = {name: recorded[name] for name in _BEFORE if isinstance(recorded.get(name), Mapping)}
    return {**recorded, **{name: {**_BEFORE[name], **group} for name, group in groups.items()}}
