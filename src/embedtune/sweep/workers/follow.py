"""Follow the trials of a study from outside their processes: events for a watcher, from storage and folders."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from optuna.trial import FrozenTrial, TrialState

from embedtune import archive
from embedtune.records import TrialRecord
from embedtune.study import Study, awaited, left, was_run
from embedtune.study.records import from_storage
from embedtune.trial.watching import Watcher

logger = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds between two looks at the study."""
MEND = 5
"""Looks between two searches for dead workers, which read every record."""


@dataclass
class Follower:
    """Reports new events to a watcher.

    Attributes:
        study: Whose trials.
        watcher: Receives the events.
    """

    study: Study
    watcher: Watcher
    _seen: dict[int, int] = field(default_factory=dict)
    _ended: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        ended = [trial.number for trial in self._trials() if trial.state.is_finished()]
        self._ended.update(ended)

    def look(self) -> int:
        """Tell what is new since the last look; returns how many trials have ended in between."""
        ended = 0
        for trial in self._trials():
            if trial.number in self._ended or trial.state == TrialState.WAITING or not was_run(trial):
                continue
            record = self._record(trial)
            if trial.number not in self._seen and (record.params or trial.state.is_finished()):
                self._seen[trial.number] = 0
                self.watcher.began(record)
            self._tell_evaluations(trial.number)
            if trial.state.is_finished():
                self._ended.add(trial.number)
                self.watcher.ended(record)
                ended += 1
        return ended

    def _tell_evaluations(self, number: int) -> None:
        if number in self._seen:
            evaluations = archive.read_evaluations(self.study.paths.trial(number))
            for evaluation in evaluations[self._seen[number] :]:
                self.watcher.evaluated(number, evaluation)
            self._seen[number] = len(evaluations)

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        return archive.read_record(self.study.paths, trial.number) or from_storage(self.study, trial)

    def _trials(self) -> list[FrozenTrial]:
        return self.study.trials()


def await_others(
    study: Study, n_trials: int, follower: Follower, mend: Callable[[], object], ended: Callable[[], None]
) -> bool:
    """Wait for the trials that workers of other commands run; whether one of them was left to be run again.

    Args:
        study: All that can be claimed is claimed.
        n_trials: Its total.
        follower: Tells what the others do.
        mend: Queues again what a dead worker left running.
        ended: Called when a trial has ended; raises StudyError to end the study.
    """
    looks = 0
    while left(study, n_trials) == 0 and (running := len(awaited(study))) > 0:
        if looks == 0:
            logger.info("Waiting for %d trials that run elsewhere; Ctrl-C leaves them to their workers", running)
        time.sleep(LOOK)
        looks += 1
        if looks % MEND == 0:
            mend()
        if follower.look():
            ended()
    if follower.look():
        ended()
    waiting = study.trials(TrialState.WAITING)
    return left(study, n_trials) > 0 and len(waiting) > 0
