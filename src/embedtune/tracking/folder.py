"""A trial folder, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedtune import archive
from embedtune.errors import TrackingError
from embedtune.paths import TrialPaths
from embedtune.records import Evaluation, Objective, TrialRecord
from embedtune.tracking.names import best_of, dims


@dataclass(frozen=True)
class TrialFolder:
    """The current content of a trial folder."""

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
        """The trial's objective; None before the first evaluation, which reveals the full dimension."""
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
    record = archive.read_folder(trial)
    if record is None:
        raise TrackingError(
            f"{trial.root} must hold the record of a trial, but there is none that can be read. Put it back, or move "
            "the folder away."
        )
    return TrialFolder(trial, record, archive.read_config(trial) or {}, archive.read_evaluations(trial))
