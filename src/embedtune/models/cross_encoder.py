"""Cross-encoders, which score a pair of texts: teachers of a loss, and rerankers of mined negatives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from embedtune.config import ModelConfig
from embedtune.errors import ConfigError
from embedtune.models.load import hub_reachable, model_location
from embedtune.models.malformed import is_of_files

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


def is_cross_encoder(name: str) -> bool:
    """Whether a folder's files say so; of a hub id its organisation, ``cross-encoder/``, tells.

    Raises:
        ModelError: A path names no folder.
    """
    folder = Path(model_location(ModelConfig(name=name)))
    if not folder.is_dir():
        return name.startswith("cross-encoder/")
    try:
        kinds = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures") or []
    except (OSError, ValueError, AttributeError):
        return False
    return not (folder / "modules.json").is_file() and any("SequenceClassification" in str(kind) for kind in kinds)


def load_cross_encoder(name: str, key: str, device: str) -> CrossEncoder:
    """A cross-encoder that gives one score a pair; code of its own is not run.

    Args:
        name: A folder or a hub id.
        key: Of the configuration, for messages.
        device: As torch names it.

    Raises:
        ConfigError: It cannot be loaded, or gives several scores.
    """
    from sentence_transformers import CrossEncoder

    location = model_location(ModelConfig(name=name))
    local = Path(location).is_dir()
    try:
        teacher = CrossEncoder(
            location,
            device=device,
            local_files_only=local or not hub_reachable(),
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except Exception as error:
        if not is_of_files(error):
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigError(
            f"{key} must be a cross-encoder that loads from safetensors, but got {name} ({reason}). "
            "Name a folder or a hub id."
        ) from error
    if teacher.num_labels != 1:
        raise ConfigError(
            f"{key} must give one score a pair, but got {name}, which gives {teacher.num_labels}. "
            "Take a cross-encoder for ranking."
        )
    return teacher
