"""One measurement of a model while it trains, and the storing of its weights."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from embedtune.config import Config, measured_dims
from embedtune.evaluation import Measures, evaluate_retrieval
from embedtune.models.adapters import name_base
from embedtune.models.encoder import TokenEncoder
from embedtune.models.load import model_identity
from embedtune.paths import TrialPaths
from embedtune.records import Evaluation, RetrievalScores
from embedtune.training import Progress
from embedtune.trial.bench import Bench

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_TIMED, _TIMES = 256, 3
"""Passages whose embedding is timed again for an untuned model, and how often."""


def measure(
    config: Config, bench: Bench, model: SentenceTransformer, progress: Progress | None, seconds: float
) -> tuple[Evaluation, RetrievalScores, float | None]:
    """Score a model on the validation split at every dimension; also the passages it embedded a second."""
    dims, encoder = measured_dims(config, bench.dim), TokenEncoder(model)
    data, own = bench.task.splits["validation"], config.eval
    scores = evaluate_retrieval(encoder, data, dims, batch_size=own.batch_size, measures=Measures.of(own))
    scores, metrics = replace(scores, group_of=bench.query_groups), scores.metrics
    evaluation = Evaluation(
        step=progress.step if progress else 0,
        epoch=progress.epoch if progress else 0.0,
        value=bench.objective.value(metrics),
        metrics=metrics,
        seconds=seconds,
        timestamp=time.time_ns() // 1_000_000,
        loss=progress.loss if progress else None,
        learning_rate=progress.learning_rate if progress else None,
        second=bench.objective.second_quality(metrics),
        averaged=progress.averaged if progress else False,
    )
    return evaluation, scores, encoder.passages_per_second


def embedding_rates(config: Config, bench: Bench, model: SentenceTransformer) -> Iterator[float]:
    """Passages embedded a second, a few times over some of them: the one evaluation of an untuned model warms up."""
    passages, encoder = list(bench.task.splits["validation"].corpus.values())[:_TIMED], TokenEncoder(model)
    for _ in range(_TIMES):
        encoder.encode_document(
            passages, batch_size=config.eval.batch_size, convert_to_tensor=True, show_progress_bar=False
        )
        yield from filter(None, [encoder.passages_per_second])


def save_checkpoint(model: SentenceTransformer, trial: TrialPaths, config: Config) -> None:
    """Write the weights, of a training with adapters those alone, beside the previous ones, then replace those."""
    beside = trial.checkpoint.with_name("checkpoint.new")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        model.save(str(beside), create_model_card=False)
        if config.train.lora is not None:
            name_base(beside, config.model, model_identity(config.model.name))
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)  # a full disk needs its room for the record
        raise
    shutil.rmtree(trial.checkpoint, ignore_errors=True)
    beside.rename(trial.checkpoint)
