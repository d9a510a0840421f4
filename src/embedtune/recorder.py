"""The record of a trial while it runs: what is measured goes to its folder first, then to whoever is told."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from embedtune import archive
from embedtune.bench import Bench
from embedtune.config import Config, measured_dims, objective_dim
from embedtune.environment import git_revision, library_versions
from embedtune.errors import TrialError
from embedtune.evaluation import evaluate_retrieval, write_scores
from embedtune.hooks import Hooks
from embedtune.paths import TrialPaths
from embedtune.records import Evaluation, RetrievalScores, State, TrialRecord
from embedtune.training import Progress, peak_memory, resolve_device, resolve_precision

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class Pruned(Exception):
    """Leaves the training loop when the pruner says so."""


@dataclass
class Recorder:
    """The record of one trial while it runs: begun once, fed with evaluations, closed once."""

    config: Config
    bench: Bench
    trial: TrialPaths
    hooks: Hooks
    number: int
    start: float = field(default_factory=time.monotonic)
    best: Evaluation | None = None
    done: int = 0
    progress: Progress | None = None
    mini_batch_size: int | None = None

    def begin(self, record: TrialRecord) -> TrialRecord:
        """Open the trial's folder with what is known before it runs."""
        device = resolve_device(self.config.train.device)
        facts = {
            "data": self.bench.task.name,
            "digests": dict(self.bench.task.digests),
            "base_model": self.config.model.name,
            "objective": self.config.eval.objective,
            "dim": objective_dim(self.config, self.bench.dim),
            "device": device,
            "precision": resolve_precision(self.config.train.precision, device),
            "git_revision": git_revision(),
            "versions": library_versions(),
            **record.facts,
        }
        record = replace(record, state=State.RUNNING, started=time.time_ns() // 1_000_000, facts=facts)
        archive.write_header(self.trial, record, _plain(self.config))
        self.hooks.watcher.began(record)
        self.hooks.deliver(self.trial)
        return record

    def begin_again(self, mini_batch_size: int) -> None:
        """Forget the attempt that ran out of memory; its hyperparameters stay, the mini-batch is recorded beside."""
        self.mini_batch_size = mini_batch_size
        self.best, self.done, self.progress = None, 0, None
        self.trial.metrics.unlink(missing_ok=True)

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
            raise Pruned

    def close(self, record: TrialRecord, state: State, reason: str | None = None) -> TrialRecord:
        """Write the result and what it cost; after this the trial has ended."""
        best = self.best
        seconds = time.monotonic() - self.start
        cost = {
            "steps": self.progress.step if self.progress else 0,
            "tokens": self.progress.tokens if self.progress else 0,
            "device_seconds": round(seconds, 3),
            "peak_memory_bytes": peak_memory(record.facts["device"]),
            "mini_batch_size": self.mini_batch_size,
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


def save_checkpoint(model: SentenceTransformer, trial: TrialPaths) -> None:
    """Write the weights beside the last ones, then put them in their place."""
    beside = trial.checkpoint.with_name("checkpoint.new")
    shutil.rmtree(beside, ignore_errors=True)
    model.save(str(beside), create_model_card=False)
    shutil.rmtree(trial.checkpoint, ignore_errors=True)
    beside.rename(trial.checkpoint)


def _plain(config: Config) -> dict[str, Any]:
    values: dict[str, Any] = OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True)  # type: ignore[assignment]
    return values
