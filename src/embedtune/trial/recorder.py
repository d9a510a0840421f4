"""The record of a trial while it runs: measurements go to its folder first, then to the receivers of its events."""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedtune import archive
from embedtune.config import Config
from embedtune.errors import ResumeError, TrialError
from embedtune.evaluation import Pooled, write_scores
from embedtune.paths import TrialPaths
from embedtune.records import Evaluation, Interruption, State, TrialRecord
from embedtune.training import Attempt, Progress, resolve_device
from embedtune.trial import resume
from embedtune.trial.bench import Bench
from embedtune.trial.facts import facts_at_start, identity, recorded_config
from embedtune.trial.measuring import measure, save_checkpoint
from embedtune.trial.meter import Meter
from embedtune.trial.result import with_result
from embedtune.trial.watching import Hooks, Point

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


logger = logging.getLogger(__name__)

RESTARTS = "restarts"
"""Fact of a trial: how often it forgot evaluations that it had recorded, and began again."""
RESUMED_FROM = "resumed_from"
"""Fact of a trial: the step it went on from, where the trial it stands in for had been killed."""
FOLDS_DONE = "folds_done"
"""Fact of a trial: how many of its folds are scored."""


class Pruned(Exception):
    """Leaves the training loop when the pruner says so."""


@dataclass
class Recorder:
    """The record of one trial while it runs: begun once, fed with evaluations, closed once.

    Attributes:
        record: As the trial begins.
        resumable: Whether the state of the training is kept beside the record.
        pooled: The score of the folds, with ``eval.folds``.
        meter: What it uses.
    """

    config: Config
    bench: Bench
    trial: TrialPaths
    hooks: Hooks
    record: TrialRecord
    resumable: bool = False
    best: Evaluation | None = None
    done: int = 0
    pooled: Pooled | None = None
    meter: Meter = field(init=False)

    def __post_init__(self) -> None:
        self.meter = Meter(resolve_device(self.config.train.device))

    @property
    def number(self) -> int:
        """Of the trial."""
        return self.record.number

    def begin(self) -> Attempt:
        """Open the trial's folder with what is known before it runs, or with what a killed one left to go on with.

        Returns:
            What the training starts from.
        """
        facts = facts_at_start(self.config, self.bench, self.record, self.meter.device)
        self.record = replace(self.record, state=State.RUNNING, facts=facts)
        resumed = self._take_up()
        self.record = replace(self.record, started=self.meter.started)
        archive.write_header(self.trial, self.record, recorded_config(self.config))
        self.hooks.watcher.began(self.record)
        self.hooks.deliver(self.trial)
        if resumed is None:
            return Attempt(self.trial.root)
        if not self.bench.folds:  # otherwise the reporter gets the folds
            self.hooks.reporter.resumed(_points(resumed))
        return Attempt(self.trial.root, resumed.standing.mini_batch_size, resumed.training)

    def trying(self, attempt: Attempt) -> None:
        """Note what the training that follows starts from."""
        self.meter.mini_batch_size = attempt.mini_batch_size

    def begin_again(self) -> None:
        """Forget all that was measured of the training that failed; the hyperparameters stay."""
        self.meter.begin_again()
        restarts = {RESTARTS: self.record.facts.get(RESTARTS, 0) + 1} if self.done else {}
        self.best, self.done = None, 0
        self.trial.metrics.unlink(missing_ok=True)
        self.trial.scores.unlink(missing_ok=True)
        shutil.rmtree(self.trial.checkpoint, ignore_errors=True)
        resume.drop(self.trial)
        facts = {key: value for key, value in self.record.facts.items() if key != RESUMED_FROM}
        self._write_facts(facts | restarts)

    def judged_by(self, pooled: Pooled) -> None:
        """Take the score of the folds for the trial's value, and keep the weights of the step at which it was best."""
        self.pooled = pooled

    def noted(self, facts: Mapping[str, Any]) -> None:
        """Add facts to the record."""
        self._write_facts({**self.record.facts, **facts})

    def scored_folds(self, done: int) -> None:
        """Note that this many folds are scored: a trial that gets on is not the reason why workers die."""
        self.noted({FOLDS_DONE: done})

    def _write_facts(self, facts: Mapping[str, Any]) -> None:
        self.record = replace(self.record, facts=facts)
        archive.write_header(self.trial, self.record, recorded_config(self.config))

    def stepped(self, progress: Progress) -> None:
        """Note and show one optimiser step."""
        self.hooks.watcher.stepped(self.number, self.meter.stepped(progress))

    def evaluate(self, model: SentenceTransformer, progress: Progress | None) -> None:
        """Measure, record, keep the weights if they are the best, and ask whether to go on."""
        evaluation, scores, rate = measure(self.config, self.bench, model, progress, self.meter.seconds)
        self.meter.embedded(rate)
        if not math.isfinite(evaluation.merit):
            raise TrialError(f"{self.bench.objective.metric} must be finite, but got {evaluation.merit}.")
        if self._is_kept(evaluation):
            if progress is not None:
                save_checkpoint(model, self.trial, self.config)
            write_scores(scores, self.trial.scores)
            self.best = evaluation
        archive.append_evaluation(self.trial, evaluation)
        self.done += 1
        self.hooks.watcher.evaluated(self.number, evaluation)
        self.hooks.deliver(self.trial)
        if self.bench.folds or evaluation.averaged or progress is None:
            return  # the reporter was told of the folds; and a training that is over is not pruned
        queries = self.bench.objective.of_queries(scores)
        point = Point(self.done, progress.step / progress.total_steps, evaluation.value)
        if self.hooks.reporter.evaluated(point, queries):
            raise Pruned

    def _is_kept(self, evaluation: Evaluation) -> bool:
        """Whether this is the step whose weights are kept: the best, or that at which the folds were best."""
        if self.best is None:
            return True
        if self.pooled is not None:
            return abs(evaluation.epoch - self.pooled.epoch) < abs(self.best.epoch - self.pooled.epoch)
        return evaluation.merit > self.best.merit

    def save(self, write_training: Callable[[Path], None]) -> None:
        """Keep what the trial can go on from; where that fails the trial goes on without."""
        meter, progress = self.meter, self.meter.progress
        if not self.resumable or self.best is None or progress is None:
            return
        place = next(i for i, e in enumerate(archive.read_evaluations(self.trial)) if e.step == self.best.step)
        standing = resume.Standing(self.identity(), place, progress, meter.seconds, meter.mini_batch_size)
        try:
            resume.save(self.trial, standing, write_training)
        except (ResumeError, OSError) as error:
            logger.warning("Trial %d goes on, but would begin anew if it were killed: %s", self.number, error)
            self.resumable = False
            resume.drop(self.trial)

    def close(self, state: State, reason: str | None = None) -> TrialRecord:
        """Write the result and what it cost; after this the trial has ended, and keeps nothing to go on from.

        Args:
            state: How it ended.
            reason: Why, if it did not complete.
        """
        ended = self._write_result(replace(self.record, state=state, reason=reason))
        resume.forget(self.trial)
        self._tell_ended(ended)
        return ended

    def break_off(self, why: Interruption, detail: str = "") -> None:
        """Write the result of a trial that is interrupted; another one may go on from what it keeps."""
        self._tell_ended(self._write_result(self.record.broken_off(why, detail)))

    def _write_result(self, record: TrialRecord) -> TrialRecord:
        ended = with_result(record, self.bench, self.best, self.pooled, self.meter)
        ended = replace(ended, facts={**ended.facts, **self.hooks.judge(ended)})
        archive.write_result(self.trial, ended)
        return ended

    def _tell_ended(self, ended: TrialRecord) -> None:
        self.hooks.watcher.ended(ended)
        self.hooks.deliver(self.trial)

    def _take_up(self) -> resume.Resumed | None:
        """The state that a killed trial left, with its record at that time; None to start anew."""
        if not self.resumable:
            resume.forget(self.trial)
        resumed = resume.load(self.trial, self.identity())
        if resumed is None:
            self.trial.metrics.unlink(missing_ok=True)  # of a baseline that was killed
            return None
        standing = resumed.standing
        self.best, self.done = resumed.evaluations[standing.best], len(resumed.evaluations)
        self.meter.go_on(standing.progress, standing.seconds)
        self.record = replace(self.record, facts={**self.record.facts, RESUMED_FROM: standing.progress.step})
        logger.info("Trial %d goes on from step %d", self.number, standing.progress.step)
        return resumed

    def identity(self) -> dict[str, Any]:
        """Facts that must not have changed for the trial to resume as if it had not stopped."""
        return identity(self.config, self.record.facts)


def _points(resumed: resume.Resumed) -> list[Point]:
    """The evaluations behind a trial that goes on, as its reporter was told of them."""
    steps = resumed.standing.progress.total_steps
    return [Point(place, own.step / steps, own.value) for place, own in enumerate(resumed.evaluations, start=1)]
