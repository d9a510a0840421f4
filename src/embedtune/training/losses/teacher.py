"""Scores of a cross-encoder for the passages of each row (Hofstätter et al., 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sentence_transformers import CrossEncoder

from embedtune.config import ModelConfig
from embedtune.errors import ConfigError
from embedtune.models.load import hub_reachable, model_location
from embedtune.records import TrainingSet

_OF_FILES = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)
"""Exceptions that the libraries raise for a folder that is no model."""


def load_teacher(name: str, device: str) -> CrossEncoder:
    """A cross-encoder that gives one score a pair; code of its own is not run.

    Raises:
        ConfigError: It cannot be loaded, or gives several scores.
    """
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
    except _OF_FILES as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigError(
            f"loss.teacher must be a cross-encoder that loads from safetensors, but got {name} ({reason}). "
            "Name a folder or a hub id."
        ) from error
    if teacher.num_labels != 1:
        raise ConfigError(
            f"loss.teacher must give one score a pair, but got {name}, which gives {teacher.num_labels}. "
            "Take a cross-encoder for ranking."
        )
    return teacher


def teacher_scores(
    teacher: CrossEncoder, training: Sequence[TrainingSet], batch_size: int
) -> list[list[tuple[float, ...]]]:
    """For each set and row the score of every passage, in the order of the columns; each pair is scored once."""
    found = []
    for part in training:
        anchors, *passages = part.columns.values()
        pairs = dict.fromkeys(pair for texts in passages for pair in zip(anchors, texts, strict=True))
        scores = teacher.predict(list(pairs), batch_size=batch_size, show_progress_bar=False)
        score_of = dict(zip(pairs, map(float, scores), strict=True))
        columns = [[score_of[pair] for pair in zip(anchors, texts, strict=True)] for texts in passages]
        found.append(list(zip(*columns, strict=True)))
    return found
