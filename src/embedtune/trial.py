"""Run one trial: fine-tune, evaluate, keep the best step, record all of it."""

from __future__ import annotations

import copy
import logging
import math
import shutil
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedtune import archive
from embedtune.bench import Bench
from embedtune.config import Config, measured_dims, objective_dim
from embedtune.environment import git_revision, library_versions
from embedtune.errors import TrialError
from embedtune.evaluation import evaluate_retrieval, write_scores
from embedtune.hooks import Hooks
from embedtune.paths import TrialPaths, write_json
from embedtune.records import Evaluation, RetrievalScores, State, TrialRecord
from embedtune.training import (
    Progress,
    peak_memory,
    reset_peak_memory,
    resolve_device,
    resolve_precision,
    train_model,
    training_facts,
)

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

INTERRUPTED = "interrupted"
"""How the reason of a trial begins that was stopped from outside."""


class _Prune(Exception):
    """Leaves the training loop when the pruner says so."""


@dataclass
class _Run:
    """The moving parts of one trial."""

    config: Config
    bench: Bench
    trial: TrialPaths
    hooks: Hooks
    number: int
    start: float = field(default_factory=time.monotonic)
    best: Evaluation | None = None
    done: int = 0
    progress: Progress | None = None

    def stepped(self, progress: Progress) -> None:
        """Note and show one optimiser step."""
        self.progress = progress
        self.hooks.watcher.stepped(self.number, progress)

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
        self.hooks.watcher.evaluated(self.number, evaluation)
        self.hooks.deliver(self.trial)
        if self.hooks.report(self.done, evaluation.value):
            raise _Prune

    def close(self, record: TrialRecord, state: State, reason: str | None = None) -> TrialRecord:
        """Write the result and what it cost; after this the trial has ended."""
        best = self.best
        seconds = time.monotonic() - self.start
        cost = {
            "steps": self.progress.step if self.progress else 0,
            "tokens": self.progress.tokens if self.progress else 0,
            "device_seconds": round(seconds, 3),
            "peak_memory_bytes": peak_memory(record.facts["device"]),
        }
        ended = replace(
            record,
            state=state,
            reason=reason,
            value=best.value if best else None,
            best_step=best.step if best else None,
            best_epoch=best.epoch if best else None,
            metrics=best.metrics if best else {},
            seconds=seconds,
            facts={**record.facts, **cost},
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
    run = _Run(config, bench, trial, hooks, record.number)
    record = _begin(config, bench, trial, record, hooks)
    state: State = State.COMPLETE
    reason: str | None = None
    with _logging_to(trial):
        try:
            _train(run)
        except _Prune:
            state, reason = State.PRUNED, f"pruned after evaluation {run.done}"
        except KeyboardInterrupt:
            run.close(record, State.FAIL, INTERRUPTED)
            raise
        except Exception as error:
            logger.debug("%s", traceback.format_exc())
            state, reason = State.FAIL, f"{type(error).__name__}: {error}"
        return run.close(record, state, reason)


def run_baseline(config: Config, bench: Bench, trial: TrialPaths, record: TrialRecord, hooks: Hooks) -> TrialRecord:
    """Evaluate the untuned base model and record it like a trial."""
    run = _Run(config, bench, trial, hooks, record.number)
    record = _begin(config, bench, trial, record, hooks)
    model = copy.deepcopy(bench.model).to(resolve_device(config.train.device))
    run.evaluate(model, None)
    return run.close(record, State.COMPLETE)


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


def _train(run: _Run) -> None:
    config, bench = run.config, run.bench
    device = resolve_device(config.train.device)
    reset_peak_memory(device)
    model = copy.deepcopy(bench.model).to(device)
    write_json(run.trial.training, asdict(training_facts(model, bench.task.training, config)))
    with tempfile.TemporaryDirectory(dir=run.trial.root, prefix="trainer-") as scratch:
        train_model(
            model,
            bench.task.training,
            config,
            on_evaluate=lambda progress: run.evaluate(model, progress),
            on_step=run.stepped,
            output_dir=Path(scratch),
        )


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
