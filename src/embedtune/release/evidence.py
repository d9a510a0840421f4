"""The evidence beside a release: what was measured on exactly the exported weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from embedtune.errors import ReleaseError
from embedtune.evaluation import evaluate_retrieval
from embedtune.paths import TrialPaths
from embedtune.records import Metrics, RetrievalScores, TaskData, TrialRecord

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

TOLERANCE = 1e-6
"""Largest difference between a recorded score and the same score measured again."""


def score_splits(
    model: SentenceTransformer, task: TaskData, dims: list[int], batch_size: int
) -> dict[str, RetrievalScores]:
    """Score a model on every evaluation split the data has; this opens the test split."""
    splits = [split for split in ("validation", "test") if split in task.splits]
    return {split: evaluate_retrieval(model, task.splits[split], dims, batch_size=batch_size) for split in splits}


def check_reproduced(recorded: Metrics, measured: Metrics) -> None:
    """Compare the recorded scores with those measured again.

    Raises:
        ReleaseError: One differs by more than 1e-6.
    """
    for dim, metrics in recorded.items():
        for name, value in metrics.items():
            again = measured.get(dim, {}).get(name)
            if again is None or abs(again - value) > TOLERANCE:
                raise ReleaseError(
                    f"the checkpoint must reproduce its recorded scores, but {name} at {dim} dimensions is {again}, "
                    f"recorded {value}. Was it trained on another device or with other library versions? See evidence."
                )


def collect_evidence(
    record: TrialRecord,
    trial: TrialPaths,
    study: Mapping[str, Any],
    scores: Mapping[str, Metrics],
    baseline: Mapping[str, Metrics],
) -> dict[str, str | bytes]:
    """Files for ``evidence/``: name -> content."""
    documents = {
        "trial.json": record.to_dict() | {"checkpoint": None},
        "study.json": dict(study),
        "scores.json": {"released": scores, "untuned": baseline},
    }
    files: dict[str, str | bytes] = {
        name: json.dumps(values, indent=2, ensure_ascii=False, default=str) + "\n" for name, values in documents.items()
    }
    for file in (trial.config, trial.metrics, trial.scores, trial.training):
        if file.is_file():
            files[file.name] = file.read_bytes()
    return files
