"""Turn a recorded configuration back into a checked one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from embedtune.config.convert import to_config
from embedtune.config.schema import Config
from embedtune.errors import ConfigError


def restore_config(recorded: Mapping[str, Any]) -> Config:
    """The configuration of a recorded trial.

    Raises:
        ConfigError: It was written by another version whose keys differ.
    """
    try:
        cfg = OmegaConf.merge(OmegaConf.structured(Config), OmegaConf.create(dict(recorded)))
    except OmegaConfBaseException as error:
        raise ConfigError(
            f"the recorded configuration must fit this version, but {str(error).splitlines()[0]}."
        ) from error
    return to_config(cfg)  # type: ignore[arg-type]
