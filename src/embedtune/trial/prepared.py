"""The rows that a trial trains on: those of the data, with what is made for them once for all trials of a study."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from embedtune.archive.documents import mapping, read_json
from embedtune.config import Config
from embedtune.data import training_digest
from embedtune.errors import RecordError
from embedtune.models.load import model_identity
from embedtune.paths import write_json
from embedtune.records import TrainingSet
from embedtune.training import load_teacher, resolve_device, teacher_scores

logger = logging.getLogger(__name__)


def prepared_rows(config: Config, training: Sequence[TrainingSet], folder: Path) -> tuple[TrainingSet, ...]:
    """``training`` with the scores of ``loss.teacher``, if there is one.

    Args:
        config: ``loss.teacher``, ``train.device`` and ``eval.batch_size`` are read.
        training: The rows of the data.
        folder: What was made is kept there, by what it was made from.

    Raises:
        ConfigError: The teacher cannot be loaded.
    """
    if config.loss.teacher is None:
        return tuple(training)
    name = config.loss.teacher

    def score() -> list[list[tuple[float, ...]]]:
        logger.info("%s scores the passages of %d rows, once for all trials", name, sum(map(len, training)))
        teacher = load_teacher(name, resolve_device(config.train.device))
        return teacher_scores(teacher, training, config.eval.batch_size)

    made_from = {"teacher": model_identity(name), "rows": ordered_digest(training)}
    scores = made_once(folder, "scores", made_from, score)
    return tuple(
        replace(part, scores=tuple(tuple(map(float, row)) for row in own))
        for part, own in zip(training, scores, strict=True)
    )


def made_once(folder: Path, kind: str, made_from: Mapping[str, Any], make: Callable[[], list[Any]]) -> list[Any]:
    """What ``make`` gives, from a file where it was made before; of several processes one makes it, the others wait.

    Args:
        folder: Of the files.
        kind: Begins the file's name.
        made_from: Everything it depends on.
        make: Plain values for JSON. A process that dies in it leaves nothing behind.
    """
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]
    path = folder / f"{kind}-{key}.json"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        with suppress(OSError, RecordError, ValueError, KeyError, TypeError):  # absent, or damaged: made again
            return list(mapping(read_json(path))["made"])
        made = make()
        write_json(path, {"made_from": dict(made_from), "made": made})
        return list(mapping(read_json(path))["made"])


def ordered_digest(training: Sequence[TrainingSet]) -> str:
    """Sha256 over the rows in their order: what is made for them follows it."""
    hashed = hashlib.sha256(training_digest(training).encode())
    for part in training:
        for row in zip(*part.columns.values(), strict=True):
            hashed.update(json.dumps(row).encode())
    return hashed.hexdigest()
