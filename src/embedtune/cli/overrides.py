"""What was typed on the command line."""

from __future__ import annotations

import shlex

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from embedtune.config.redaction import redact_text


def typed_keys() -> list[str]:
    """The keys and groups that were typed, those of Hydra too."""
    return [override.partition("=")[0].lstrip("+~") for override in (*_typed("task"), *_typed("hydra"))]


def typed_command(name: str) -> str:
    """What was typed, for records: the command and its overrides, without secrets."""
    return redact_text(shlex.join(["embedtune", *([name] if name else []), *_typed("task")]))


def _typed(part: str) -> list[str]:
    """Overrides as they were typed; an interpolation in them is not followed."""
    if not HydraConfig.initialized():
        return []
    overrides = OmegaConf.to_container(getattr(HydraConfig.get().overrides, part))
    return [str(override) for override in overrides] if isinstance(overrides, list) else []
