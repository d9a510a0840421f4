"""The inputs of a report, and the questions that every part of it asks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from optuna.distributions import BaseDistribution

from embedtune.ranking import best_untuned, is_scored, untuned_of
from embedtune.records import Evaluation, SecondObjective, State, StudyDefinition, TrialRecord
from embedtune.reporting.leaderboard import Board


@dataclass(frozen=True)
class Absent:
    """Why a part of the report has nothing to show."""

    reason: str


@dataclass(frozen=True)
class ReportInputs:
    """A study as its folder tells it.

    Attributes:
        board: Its trials, ranked.
        evaluations: Trial number -> its evaluations in order of step.
        distributions: Searched key -> what it may be; empty for configurations run one by one.
        command: What to type to do the same again; None if no configuration was recorded.
        default_trial: The one that ran the recipe as configured; None if there is none.
    """

    board: Board
    evaluations: Mapping[int, tuple[Evaluation, ...]]
    distributions: Mapping[str, BaseDistribution]
    command: str | None = None
    default_trial: TrialRecord | None = None

    @property
    def definition(self) -> StudyDefinition:
        """``study.yaml``."""
        return self.board.definition

    @property
    def metric(self) -> str:
        """The objective."""
        return self.board.metric

    @property
    def dim(self) -> int:
        """The size at which the objective is read."""
        return self.definition.objective.dim

    @property
    def second(self) -> SecondObjective | None:
        """The second objective; None with one."""
        return self.definition.objective.second

    @property
    def folds(self) -> int:
        """Of how many folds of the training queries a value is the mean; 0: it is that of the validation split."""
        return self.definition.folds

    @property
    def is_sweep(self) -> bool:
        """Whether the trials were proposed by a sampler."""
        return self.definition.is_sweep

    @property
    def n_trials(self) -> int:
        """The study's total."""
        return self.board.n_trials or 0

    @property
    def queries(self) -> int | None:
        """How many queries an evaluation has, where the scores are still there."""
        return self.board.certainty.queries if self.board.certainty else None

    @property
    def records(self) -> list[TrialRecord]:
        """The trials in order of number."""
        return sorted((entry.record for entry in self.board.trials), key=lambda record: record.number)

    @property
    def baseline(self) -> TrialRecord | None:
        """The untuned base model."""
        return self.board.baseline.record if self.board.baseline else None

    @property
    def pareto_front(self) -> list[TrialRecord]:
        """With two objectives, the trials that none dominates; from the best in the first one on."""
        return [entry.record for entry in self.board.trials if entry.on_front]

    @property
    def ranked(self) -> list[TrialRecord]:
        """The trials that ended with a score, best first."""
        return [entry.record for entry in self.board.trials if is_scored(entry.record)]

    @property
    def leaders(self) -> list[TrialRecord]:
        """Those of them that compete with the first: trials that break a constraint do not with those that keep all."""
        return [record for record in self.ranked if record.feasible == self.ranked[0].feasible]

    @property
    def complete(self) -> list[TrialRecord]:
        """Those of them that are complete."""
        return [record for record in self.ranked if record.state == State.COMPLETE]

    @property
    def best(self) -> TrialRecord | None:
        """The first of :attr:`ranked`."""
        return self.board.best.record if self.board.best else None

    @property
    def untuned(self) -> float | None:
        """The value of the best untuned base model."""
        best = best_untuned(self._baselines)
        return None if best is None else best.value

    def untuned_beside(self, record: TrialRecord) -> list[TrialRecord]:
        """The untuned models that a trial has to be better than: its own base model, and the best one."""
        own, best = untuned_of(record, self._baselines), best_untuned(self._baselines)
        found = [own] if own is not None and _scored(own) else []
        return found if best is None or best in found else [*found, best]

    @property
    def _baselines(self) -> list[TrialRecord]:
        return [entry.record for entry in self.board.baselines]

    @property
    def keys(self) -> list[str]:
        """The keys that differ between trials, in the order of the space."""
        keys = dict.fromkeys(self.distributions)
        for record in self.records:
            keys |= dict.fromkeys(record.params)
        return list(keys)


def value_of(record: TrialRecord) -> float:
    """The value of a record that has one."""
    assert record.value is not None
    return record.value


def _scored(record: TrialRecord) -> bool:
    return record.value is not None and math.isfinite(record.value)
