"""The loop of a worker: ask, compose, run, report or prune, tell, until the study's total is reached."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import optuna
from optuna.trial import TrialState

from embedtune import archive
from embedtune.bench import Benches
from embedtune.config import Config
from embedtune.hooks import Hooks, Watcher
from embedtune.records import State, TrialRecord
from embedtune.study import RETRY_OF, Study, claim, replaced, requeue, worker_identity
from embedtune.sweep.checkpoints import keep_best
from embedtune.sweep.delivery import Delivery
from embedtune.sweep.space import Space, to_overrides
from embedtune.sweep.stopping import Stop
from embedtune.trial import INTERRUPTED, run_trial

logger = logging.getLogger(__name__)

Compose = Callable[[list[str]], Config]
"""Overrides to a checked configuration."""


@dataclass(frozen=True)
class Worker:
    """What a worker needs to run trials of one study."""

    study: Study
    space: Space
    compose: Compose
    benches: Benches
    delivery: Delivery
    watcher: Watcher
    n_trials: int
    keep: int
    stop: Stop

    def loop(self, after: Callable[[], None] = lambda: None) -> None:
        """Run trials until none is left to claim, or the stop is requested.

        Args:
            after: Called when a trial has ended.

        Raises:
            KeyboardInterrupt: After the interrupted trial was queued again.
        """
        who = worker_identity()
        while not self.stop.requested and (trial := claim(self.study, self.n_trials, who)) is not None:
            self._run(trial, who)
            with self.study.claiming():
                keep_best(self.study.paths, self.keep, replaced(self.study))
            after()

    def _run(self, trial: optuna.Trial, who: str) -> None:
        paths = self.study.paths.trial(trial.number)
        facts = {"worker": who, "attempt": self._attempt(trial)}
        record = TrialRecord(self.study.paths.name, trial.number, State.RUNNING, facts=facts)
        try:
            params = self.space.suggest(trial)
            record = replace(record, params=params)
            config = self.compose([*self.space.fixed, *to_overrides(params)])
            hooks = Hooks(self.watcher, self.delivery.trial, _reporter(trial))
            record = run_trial(config, self.benches.get(config), paths, record, hooks)
        except KeyboardInterrupt:
            if not paths.result.is_file():
                archive.write_result(paths, replace(record, state=State.FAIL, reason=INTERRUPTED))
            requeue(self.study, trial.number)
            logger.warning("Trial %d was interrupted; it is queued again", trial.number)
            self.delivery.trial(paths)
            raise
        except Exception as error:
            # Whatever else goes wrong around a trial ends that trial, not the study.
            logger.exception("Trial %d failed outside training", trial.number)
            record = replace(record, state=State.FAIL, reason=f"{type(error).__name__}: {error}")
            archive.write_result(paths, record)
            self.watcher.ended(record)
        _tell(self.study, record)

    def _attempt(self, trial: optuna.Trial) -> int:
        """1, or one more than the trial that this one stands in for."""
        before = trial.user_attrs.get(RETRY_OF)
        record = None if before is None else archive.read_record(self.study.paths, int(before))
        return 1 if record is None else int(record.facts.get("attempt", 1)) + 1


def _reporter(trial: optuna.Trial) -> Callable[[int, float], bool]:
    def report(ordinal: int, value: float) -> bool:
        trial.report(value, ordinal)
        return trial.should_prune()

    return report


def _tell(study: Study, record: TrialRecord) -> None:
    """Record the outcome with Optuna; a trial's value is that of its best evaluation."""
    state = {State.COMPLETE: TrialState.COMPLETE, State.PRUNED: TrialState.PRUNED}.get(record.state, TrialState.FAIL)
    values: Any = record.value if state == TrialState.COMPLETE else None
    study.optuna.tell(record.number, values, state=state)
