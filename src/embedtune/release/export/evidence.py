"""The evidence beside a release: what was measured on exactly the exported weights."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from embedtune.errors import ReleaseError
from embedtune.evaluation import write_scores
from embedtune.machine.files import is_regular
from embedtune.records import Metrics, RetrievalScores
from embedtune.release.card.inputs import SearchSummary
from embedtune.release.export.product import Product
from embedtune.release.gate.decision import Decision
from embedtune.release.gate.measurements import Measured

TOLERANCE = 1e-6
"""Largest difference between a recorded score and the same score measured again."""


def check_reproduced(recorded: Metrics, measured: Metrics) -> None:
    """Compare the recorded scores with those measured again, at the dimensions that both have.

    Raises:
        ReleaseError: One differs by more than 1e-6.
    """
    common = recorded.keys() & measured.keys()
    if not common:
        raise ReleaseError(f"the checkpoint must have a dimension of {list(recorded)}, but got {list(measured)}.")
    for dim in common:
        for name, value in recorded[dim].items():
            again = measured[dim].get(name)
            if again is None or not abs(again - value) <= TOLERANCE:  # a score that is no number differs too
                raise ReleaseError(
                    f"the checkpoint must reproduce its recorded scores, but {name} at {dim} dimensions is {again}, "
                    f"recorded {value}. Was it trained on another device or with other library versions? See evidence."
                )


def collect_evidence(
    product: Product, measured: Measured, decision: Decision, search: SearchSummary
) -> dict[str, str | bytes]:
    """Files for ``evidence/``: name -> content.

    Args:
        product: What is exported.
        measured: Scores of it, of the untuned model and of the incumbent.
        decision: Why it is exported.
        search: What it was found by.
    """
    documents = {
        "decision.json": decision.to_dict(),
        "trial.json": product.record.to_dict() | {"checkpoint": None},
        "study.json": search.to_dict(),
        "scores.json": {role: measured.metrics(role) for role in measured.scores},
        "environment.json": {"versions": product.facts.versions, "device": product.facts.device},
    }
    files: dict[str, str | bytes] = {
        name: json.dumps(values, indent=2, ensure_ascii=False, default=str) + "\n" for name, values in documents.items()
    }
    for role, splits in measured.scores.items():
        files |= {f"scores-{role}-{split}.parquet": _parquet(scores) for split, scores in splits.items()}
    trial = product.trial
    for file in (trial.config, trial.metrics, trial.folds, trial.training):
        if is_regular(file):
            files[file.name] = file.read_bytes()
    return files


def _parquet(scores: RetrievalScores) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scores.parquet"
        write_scores(scores, file)
        return file.read_bytes()
