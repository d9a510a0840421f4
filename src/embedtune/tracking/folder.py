"""A trial folder, read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from embedtune.errors import TrackingError
from embedtune.paths import TrialPaths, read_json_lines
from embedtune.records import Evaluation, Objective, TrialRecord
from embedtune.tracking.names import best_of, dims


@dataclass(frozen=True)
class TrialFolder:
    """What a trial folder says now."""

    paths: TrialPaths
    record: TrialRecord
    config: Mapping[str, Any]
    evaluations: tuple[Evaluation, ...]

    @property
    def uid(self) -> str:
        """Finds the trial's run in any store."""
        return f"{self.record.study}/{self.record.name}"

    @property
    def best(self) -> Evaluation | None:
        """The evaluation whose weights were kept; the best so far while the trial runs."""
        kept = next((e for e in self.evaluations if e.step == self.record.best_step), None)
        return kept or (best_of(self.evaluations) if self.evaluations else None)

    @property
    def objective(self) -> Objective | None:
        """What the trial maximises; None before the first evaluation, which tells the full dimension."""
        if self.best is None:
            return None
        choice = self.config.get("eval", {})
        dim = choice.get("dim") or dims(self.best.metrics)[0]
        return Objective(choice.get("objective", "cosine_map@100"), dim, self.record.second_objective)


def read_folder(trial: TrialPaths) -> TrialFolder:
    """Read what a trial folder holds so far.

    Raises:
        TrackingError: There is no readable record in it.
    """
    path = trial.result if trial.result.is_file() else trial.header
    try:
        record = TrialRecord.from_dict(json.loads(path.read_text(encoding="utf-8")))
        config = yaml.safe_load(trial.config.read_text(encoding="utf-8")) if trial.config.is_file() else {}
        evaluations = tuple(Evaluation(**line) for line in read_json_lines(trial.metrics))
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise TrackingError(
            f"{trial.root} must hold the record of a trial, but {type(error).__name__}: {error}. "
            "Remove the folder or run the trial again."
        ) from error
    return TrialFolder(trial, record, config or {}, evaluations)
