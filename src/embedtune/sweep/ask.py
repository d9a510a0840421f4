"""Which trial comes next: the sampler's choice, unless it was tried already or breaks a constraint.

For a configuration that the study has tried, the record is reused: the sampler gets its value, nothing is run, and the
budget is not charged. What breaks a constraint before it is run is refused in the same way. A sampler that keeps
proposing known configurations is helped out with a new one.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from embedtune.errors import SpaceUsedUp
from embedtune.study import ANSWERED_BY, REFUSED, REPEAT, Study, claim
from embedtune.sweep.space.history import Tried
from embedtune.sweep.space.rules import Rules
from embedtune.sweep.space.space import Identity, Point
from embedtune.sweep.strategies.grid import GridSampler

logger = logging.getLogger(__name__)

PATIENCE = 10
"""Proposals in a row that need no run, before the sampler is helped out."""


@dataclass
class Asking:
    """Asks for the trials of one worker.

    Attributes:
        study: Whose sampler proposes.
        rules: What is worth running.
        n_trials: The study's total.
        random: Draws what helps the sampler out.
    """

    study: Study
    rules: Rules
    n_trials: int
    random: Random = field(default_factory=Random)
    _in_vain: int = 0
    _tried: Tried = field(init=False)

    def __post_init__(self) -> None:
        self._tried = Tried(self.rules.space)

    def claim(self, who: str) -> optuna.Trial | None:
        """The next trial of the budget; None once it is spent or all that is left is being run.

        Raises:
            SpaceUsedUp: No other configuration is worth running.
        """
        helped = self._in_vain >= PATIENCE or isinstance(self.study.optuna.sampler, GridSampler)
        return claim(self.study, self.n_trials, who, self._queue_new if helped else lambda: None)

    def accept(self, trial: optuna.Trial) -> Point | None:
        """The configuration to run; None if the trial was told without running it."""
        point = self.rules.space.suggest(trial)
        if REPEAT in trial.user_attrs:  # it was accepted before it was interrupted
            return point
        broken = self.rules.constraints.broken_by(point)
        if broken is not None:
            self._refuse(trial, broken.text, point)
            return None
        identity = self.rules.space.identity(point)
        with self.study.claiming():
            twins = self._tried.twins(self.study.trials(), identity)
            if not twins or self.rules.repeats:
                trial.set_user_attr(REPEAT, len(twins))
                self._in_vain = 0
                return point
        self._answer(trial, twins[0])
        return None

    def _refuse(self, trial: optuna.Trial, text: str, point: Point) -> None:
        """Tell the sampler by how much a configuration breaks the constraints; it counts as pruned."""
        logger.info("Trial %d would break %s and is not run", trial.number, text)
        trial.set_user_attr(REFUSED, text)
        known: Mapping[str, Any] = {**self.rules.constraints.defaults, **point}
        for constraint in self.rules.constraints.before:
            trial.set_constraint(constraint.text, constraint.excess(known.__getitem__))
        self._end(trial, TrialState.PRUNED)

    def _answer(self, trial: optuna.Trial, twin: FrozenTrial) -> None:
        """Tell the sampler the outcome of an equal trial; one that still runs, or failed, teaches it nothing."""
        logger.info("Trial %d has the configuration of trial %d, whose record answers it", trial.number, twin.number)
        trial.set_user_attr(ANSWERED_BY, twin.number)
        for text, amount in twin.constraints.items():
            trial.set_constraint(text, amount)
        if twin.state == TrialState.PRUNED and twin.last_step is not None:
            trial.report(twin.intermediate_values[twin.last_step], twin.last_step)
        state = twin.state if twin.state in (TrialState.COMPLETE, TrialState.PRUNED) else TrialState.FAIL
        self._end(trial, state, twin.values if state == TrialState.COMPLETE else None)

    def _end(self, trial: optuna.Trial, state: TrialState, values: Sequence[float] | None = None) -> None:
        self.study.optuna.tell(trial.number, values, state=state)
        self._in_vain += 1

    def _queue_new(self) -> None:
        """Queue a configuration that is worth running, unless something waits already."""
        trials = self.study.trials()
        if any(trial.state == TrialState.WAITING for trial in trials):
            return
        tried = Counter(self._tried.all(trials))
        point = self._least_tried(tried)
        if point is None:
            raise SpaceUsedUp(
                f"study.n_trials={self.n_trials} must be within the space of study {self.study.paths.name}, but after "
                f"{tried.total()} trials no other configuration was found that is new and keeps the constraints. Widen "
                "the space, loosen hydra.sweeper.constraints, or add hydra.sweeper.repeats=true."
            )
        self.study.optuna.enqueue_trial(point)

    def _least_tried(self, tried: Counter[Identity]) -> Point | None:
        """A new configuration, or with repeats the one tried least: the first for a grid, else any; None if none is."""
        points = self.rules.points
        if points is None:
            points = {self.rules.space.identity(point): point for point in self.rules.drawn(self.random)}
        open_to = [identity for identity in points if self.rules.repeats or not tried[identity]]
        if not isinstance(self.study.optuna.sampler, GridSampler):
            self.random.shuffle(open_to)
        least = min(open_to, key=lambda identity: tried[identity], default=None)
        return None if least is None else points[least]
