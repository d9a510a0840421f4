"""Run one trial: fine-tune, evaluate, keep the best step, record all of it."""

from __future__ import annotations

import copy
import logging
import math
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from embedtune import archive
from embedtune.bench import Bench
from embedtune.config import Config, measured_dims, objective_dim
from embedtune.environment import git_revision, library_versions
from embedtune.errors import TrialError
from embedtune.evaluation import evaluate_retrieval, write_scores
from embedtune.paths import TrialPaths, write_json
from embedtune.records import Evaluation, RetrievalScores, State, TrialRecord
from embedtune.training import Progress, resolve_device, resolve_precision, train_model, training_facts

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

INTERRUPTED = "interrupted"
"""How the reason of a trial begins that was stopped from outside."""


class Watcher(Protocol):
    """Somebody who looks on while a trial runs."""

    def began(self, record: TrialRecord) -> None:
        """The trial starts."""

    def stepped(self, progress: Progress) -> None:
        """One optimiser step is done."""

    def evaluated(self, evaluation: Evaluation) -> None:
        """One evaluation is recorded."""

    def ended(self, record: TrialRecord) -> None:
        """The trial's result is recorded."""


@dataclass(frozen=True)
class Hooks:
    """Whom a trial tells.

    Attributes:
        watcher: Shown progress.
        deliver: Sends the trial's folder to the tracking store; never raises.
        report: Given the ordinal of an evaluation (1-based) and its value; True prunes the trial.
    """

    watcher: Watcher
    deliver: Callable[[TrialPaths], None] = lambda _: None
    report: Callable[[int, float], bool] = lambda _ordinal, _value: False


class _Prune(Exception):
    """Leaves the training loop when the pruner says so."""


@dataclass
class _Run:
    """The moving parts of one trial."""

    config: Config
    bench: Bench
    trial: TrialPaths
    hooks: Hooks
    start: float = field(default_factory=time.monotonic)
    best: Evaluation | None = None
    done: int = 0

    def evaluate(self, model: SentenceTransformer, progress: Progress | None) -> None:
        """Measure, record, keep the weights if they are the best, and ask whether to go on."""
        evaluation, scores = measure(self.config, self.bench, model, progress, time.monotonic() - self.start)
        if not math.isfinite(evaluation.value):
            raise TrialError(f"{self.config.eval.objective} must be finite, but got {evaluation.value}.")
        if self.best is None or evaluation.value > self.best.value:
            if progress is not None:
                save_checkpoint(model, self.trial)
            write_scores(scores, self.trial.scores)
            self.best = evaluation
        archive.append_evaluation(self.trial, evaluation)
        self.done += 1
        self.hooks.watcher.evaluated(evaluation)
        self.hooks.deliver(self.trial)
        if self.hooks.report(self.done, evaluation.value):
            raise _Prune

    def close(self, record: TrialRecord, state: State, reason: str | None, facts: Mapping[str, Any]) -> TrialRecord:
        """Write the result; after this the trial has ended."""
        best = self.best
        ended = replace(
            record,
            state=state,
            reason=reason,
            value=best.value if best else None,
            best_step=best.step if best else None,
            best_epoch=best.epoch if best else None,
            metrics=best.metrics if best else {},
            seconds=time.monotonic() - self.start,
            facts={**record.facts, **facts},
        )
        archive.write_result(self.trial, ended)
        self.hooks.watcher.ended(ended)
        self.hooks.deliver(self.trial)
        return ended


def measure(
    config: Config, bench: Bench, model: SentenceTransformer, progress: Progress | None, seconds: float
) -> tuple[Evaluation, RetrievalScores]:
    """Score a model on the validation split at every dimension."""
    dims = measured_dims(config, bench.dim)
    scores = evaluate_retrieval(model, bench.task.splits["validation"], dims, batch_size=config.eval.batch_size)
    metrics = scores.metrics
    evaluation = Evaluation(
        step=progress.step if progress else 0,
        epoch=progress.epoch if progress else 0.0,
        value=metrics[str(objective_dim(config, bench.dim))][config.eval.objective],
        metrics=metrics,
        seconds=seconds,
        timestamp=time.time_ns() // 1_000_000,
        loss=progress.loss if progress else None,
        learning_rate=progress.learning_rate if progress else None,
    )
    return evaluation, scores


def run_trial(config: Config, bench: Bench, trial: TrialPaths, record: TrialRecord, hooks: Hooks) -> TrialRecord:
    """Fine-tune one configuration and record it.

    A failure is part of the record, not an error: the returned state says how the trial ended.

    Raises:
        KeyboardInterrupt: After the interruption was recorded.
    """
    run = _Run(config, bench, trial, hooks)
    record = _begin(config, bench, trial, record, hooks)
    facts: dict[str, Any] = {}
    with _logging_to(trial):
        try:
            facts.update(_train(run))
            state, reason = State.COMPLETE, None
        except _Prune:
            state, reason = State.PRUNED, f"pruned after evaluation {run.done}"
        except KeyboardInterrupt:
            run.close(record, State.FAIL, INTERRUPTED, facts)
            raise
        except Exception as error:
            logger.debug("%s", traceback.format_exc())
            state, reason = State.FAIL, f"{type(error).__name__}: {error}"
        return run.close(record, state, reason, facts)


def run_baseline(config: Config, bench: Bench, trial: TrialPaths, record: TrialRecord, hooks: Hooks) -> TrialRecord:
    """Evaluate the untuned base model and record it like a trial."""
    run = _Run(config, bench, trial, hooks)
    record = _begin(config, bench, trial, record, hooks)
    model = copy.deepcopy(bench.model).to(resolve_device(config.train.device))
    run.evaluate(model, None)
    return run.close(record, State.COMPLETE, None, {})


def save_checkpoint(model: SentenceTransformer, trial: TrialPaths) -> None:
    """Write the weights beside the last ones, then put them in their place."""
    beside = trial.checkpoint.with_name("checkpoint.new")
    shutil.rmtree(beside, ignore_errors=True)
    model.save(str(beside), create_model_card=False)
    shutil.rmtree(trial.checkpoint, ignore_errors=True)
    beside.rename(trial.checkpoint)


def _begin(config: Config, bench: Bench, trial: TrialPaths, record: TrialRecord, hooks: Hooks) -> TrialRecord:
    device = resolve_device(config.train.device)
    facts = {
        "data": bench.task.name,
        "digests": dict(bench.task.digests),
        "base_model": config.model.name,
        "objective": config.eval.objective,
        "dim": objective_dim(config, bench.dim),
        "device": device,
        "precision": resolve_precision(config.train.precision, device),
        "git_revision": git_revision(),
        "versions": library_versions(),
        **record.facts,
    }
    record = replace(record, state=State.RUNNING, started=time.time_ns() // 1_000_000, facts=facts)
    archive.write_header(trial, record, _plain(config))
    hooks.watcher.began(record)
    hooks.deliver(trial)
    return record


def _train(run: _Run) -> dict[str, Any]:
    config, bench = run.config, run.bench
    model = copy.deepcopy(bench.model).to(resolve_device(config.train.device))
    write_json(run.trial.training, asdict(training_facts(model, bench.task.training, config)))
    with tempfile.TemporaryDirectory(dir=run.trial.root, prefix="trainer-") as scratch:
        outcome = train_model(
            model,
            bench.task.training,
            config,
            on_evaluate=lambda progress: run.evaluate(model, progress),
            on_step=run.hooks.watcher.stepped,
            output_dir=Path(scratch),
        )
    return {"steps": outcome.steps, "tokens": outcome.tokens, "train_seconds": round(outcome.seconds, 3)}


def _plain(config: Config) -> dict[str, Any]:
    from omegaconf import OmegaConf

    values: dict[str, Any] = OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True)  # type: ignore[assignment]
    return values


@contextmanager
def _logging_to(trial: TrialPaths) -> Iterator[None]:
    """Copy this process's log lines to the trial's log while it runs, tracebacks included."""
    handler = logging.FileHandler(trial.log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root, own = logging.getLogger(), logging.getLogger("embedtune")
    level = own.level
    own.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        yield
    finally:
        own.setLevel(level)
        root.removeHandler(handler)
        handler.close()
