"""The model put forward: its folder as it will be exported, and what is recorded about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from embedtune import archive
from embedtune.errors import ReleaseError
from embedtune.machine.folders import copy_folder
from embedtune.paths import TrialPaths
from embedtune.records import Evaluation, Metrics, TrainingFacts, TrialRecord
from embedtune.release.choice.candidates import Candidate
from embedtune.release.choice.case import Case

SETTINGS = "config_sentence_transformers.json"


@dataclass(frozen=True)
class Product:
    """A candidate with weights, ready to be measured and exported.

    Attributes:
        folder: As it will be exported, cut to ``release.dim`` if that is set.
        trial: The folder of its trial; of an average, that of the best one in it.
        record: That trial's record.
        facts: What it was trained on and how.
        evaluations: Of the trial; none for an average, which was never evaluated on the way.
        parts: The trials averaged; empty for a single one.
    """

    folder: Path
    trial: TrialPaths
    record: TrialRecord
    facts: TrainingFacts
    evaluations: tuple[Evaluation, ...]
    parts: tuple[int, ...] = ()

    def scored(self, metrics: Metrics, objective: str, dim: int) -> Product:
        """The product of an average with what was measured on it: no trial has recorded that."""
        if not self.parts:
            return self
        value = metrics[str(dim)][objective]
        record = replace(
            self.record, params={}, value=value, best_step=None, best_epoch=None, metrics=metrics, run_id=None
        )
        return replace(self, record=record)


def make_product(case: Case, candidate: Candidate, records: Mapping[int, TrialRecord], scratch: Path) -> Product:
    """Put a releasable candidate together.

    Args:
        case: What is decided on.
        candidate: One that has weights.
        records: The study's trials by number.
        scratch: A folder on the disk of the checkpoints.

    Raises:
        ReleaseError: The trial's ``training.json`` is gone.
    """
    number = candidate.numbers[0]
    trial = case.study.trial(number)
    facts = archive.read_facts(trial)
    if facts is None:
        raise ReleaseError(f"trial {number} must have {trial.training.name}, but it is gone. Release another trial.")
    folder = Path(str(candidate.folder))
    if case.options.dim is not None and case.options.dim < facts.dimension:
        folder = cut(folder, scratch / "cut", case.options.dim)
        facts = replace(facts, dimension=case.options.dim)
    is_average = len(candidate.numbers) > 1
    return Product(
        folder=folder,
        trial=trial,
        record=records[number],
        facts=facts,
        evaluations=() if is_average else archive.read_evaluations(trial),
        parts=candidate.numbers if is_average else (),
    )


def cut(folder: Path, target: Path, dim: int) -> Path:
    """A copy of a model folder whose embeddings have ``dim`` numbers; weights are linked where they can be."""
    copy_folder(folder, target)
    file = target / SETTINGS
    settings = json.loads(file.read_text(encoding="utf-8"))
    file.unlink()  # it may be a link to the original
    file.write_text(json.dumps({**settings, "truncate_dim": dim}, indent=2), encoding="utf-8")
    return target
