"""The loop of a worker: ask, compose, run, report or prune, tell, until the study's total is reached."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import optuna

from embedtune import archive
from embedtune.config import Config
from embedtune.config.redaction import redact_text
from embedtune.errors import DeviceLost, StudyError
from embedtune.machine.disk import is_full
from embedtune.machine.processes import worker_identity
from embedtune.records import Interruption, State, TrialRecord
from embedtune.study import ORIGIN, REPEAT, REPLACED, Study, beating, predecessors, requeue
from embedtune.study.outcome import is_final, settle, tell
from embedtune.study.records import is_running, judge_weights
from embedtune.study.storage import is_lost, persistently
from embedtune.sweep.ask import Asking
from embedtune.sweep.delivery import Delivery
from embedtune.sweep.space.space import to_overrides
from embedtune.sweep.workers.attempts import DEVICE_ATTEMPTS, give_up
from embedtune.sweep.workers.reporter import reporter_for
from embedtune.sweep.workers.stopping import Stop
from embedtune.trial import resume
from embedtune.trial.bench import Benches
from embedtune.trial.run import run_trial
from embedtune.trial.watching import Hooks, Watcher

logger = logging.getLogger(__name__)

Compose = Callable[[list[str]], Config]
"""Overrides to a checked configuration."""
RunTrial = Callable[..., TrialRecord]
"""Like :func:`embedtune.trial.run.run_trial`."""


@dataclass(frozen=True)
class Worker:
    """A worker that runs trials of one study.

    Attributes:
        study: Open.
        asking: Which trial comes next.
        compose: Overrides to a configuration.
        benches: Data and base models.
        delivery: To the tracking store.
        watcher: Shown what happens.
        keep: How many trials keep weights.
        stop: Requested to end after a trial.
        run: What a trial does.
    """

    study: Study
    asking: Asking
    compose: Compose
    benches: Benches
    delivery: Delivery
    watcher: Watcher
    keep: int
    stop: Stop
    run: RunTrial = run_trial

    def loop(self, after: Callable[[], None] = lambda: None) -> None:
        """Run trials until none is left to claim, or the stop is requested.

        Args:
            after: Called when a trial has ended.

        Raises:
            KeyboardInterrupt: After the interrupted trial was queued again.
            DiskFull: The same.
        """
        who = worker_identity()
        while not self.stop.requested and (trial := persistently(lambda: self.asking.claim(who))) is not None:
            with beating(self.study, trial):
                ran = self._run(trial, who)
            if not ran:
                continue
            judge_weights(self.study, self.keep, [trial.number])
            after()

    def _run(self, trial: optuna.Trial, who: str) -> bool:
        """Run a trial, if it is worth running; whether it was."""
        paths = self.study.paths.trial(trial.number)
        before = predecessors(self.study, trial)
        facts = {"worker": who, "attempt": len(before) + 1}
        record = TrialRecord(self.study.paths.name, trial.number, State.RUNNING, facts=facts)
        try:
            resume.take_over([self.study.paths.trial(number) for number in before], paths)
            params = self.asking.accept(trial)
            if params is None:
                return False
            record = replace(record, params=params, facts={**facts, **_about(trial)})
            config = _reseeded(self.compose([*self.asking.rules.space.fixed, *to_overrides(params)]), trial)
            hooks = Hooks(self.watcher, self.delivery.trial, judge=self.asking.rules.constraints.judge)
            if config.eval.second is None:  # Optuna takes no reports for two objectives
                reporter = reporter_for(trial, self.study.optuna.pruner, self._reported(before))
                hooks = replace(hooks, reporter=reporter)
            bench, resumable = self.benches.get(config), config.study.resume
            record = self.run(config, bench, paths, record, hooks, resumable=resumable)
        except KeyboardInterrupt:
            self._interrupted(record)
            raise
        except DeviceLost as error:
            if give_up(self.study, trial.number, DEVICE_ATTEMPTS, str(error)):
                self.delivery.trial(paths)
            else:
                self._interrupted(record)
            raise
        except Exception as error:
            if isinstance(error, StudyError) or is_full(error) or is_lost(error):
                with suppress(Exception):  # what cannot be written now is repaired by the next command
                    self._interrupted(record)
                raise
            # Whatever else goes wrong around a trial ends that trial, not the study.
            logger.exception("Trial %d failed outside training", trial.number)
            record = self._failed(record, redact_text(f"{type(error).__name__}: {error}"))
        if not persistently(lambda: self._tell(record)):
            logger.warning("Trial %d was taken for dead and is run again; what it found is not counted", trial.number)
            archive.write_result(paths, record.broken_off(Interruption.DIED, "taken for dead"))
        return True

    def _tell(self, record: TrialRecord) -> bool:
        """Tell Optuna how a trial ended; False if another host has presumed it dead."""
        with self.study.claiming():  # it may do so at this moment
            if is_running(self.study, record.number):
                tell(self.study, record)
            known = self.study.trial(record.number)  # told just now, or before the answer to that was lost
            return known.state.name == record.state.name and REPLACED not in known.user_attrs

    def _failed(self, record: TrialRecord, reason: str) -> TrialRecord:
        """Close a trial that was ended from outside, unless it had already ended."""
        paths = self.study.paths.trial(record.number)
        known = archive.read_record(self.study.paths, record.number)
        if known is not None and is_final(known):
            return known
        record = replace(record, state=State.FAIL, reason=reason)
        archive.write_result(paths, record)
        resume.forget(paths)
        self.watcher.ended(record)
        return record

    def _reported(self, before: Sequence[int]) -> Mapping[int, float]:
        """Values reported by the interrupted trials that this one replaces, by step; the nearest takes precedence."""
        return {k: v for number in reversed(before) for k, v in self.study.trial(number).intermediate_values.items()}

    def _interrupted(self, record: TrialRecord) -> None:
        """Queue the trial again, unless it had just ended."""
        if self.study.trial(record.number).state.is_finished():
            return  # answered without running
        paths = self.study.paths.trial(record.number)
        if not settle(self.study, record.number):
            requeue(self.study, record.number)
            if not paths.result.is_file():
                archive.write_result(paths, record.broken_off(Interruption.STOPPED))
            logger.warning("Trial %d was interrupted; it is queued again", record.number)
        self.delivery.trial(paths)


def _about(trial: optuna.Trial) -> dict[str, Any]:
    """Facts about a trial that the study knows: where its configuration comes from, and which repeat of it this is."""
    attrs = trial.user_attrs
    return {key: attrs[key] for key in (ORIGIN, REPEAT) if attrs.get(key)}


def _reseeded(config: Config, trial: optuna.Trial) -> Config:
    """Each repeat of a configuration has a seed of its own."""
    repeat = int(trial.user_attrs.get(REPEAT, 0))
    return replace(config, train=replace(config.train, seed=config.train.seed + repeat)) if repeat else config
