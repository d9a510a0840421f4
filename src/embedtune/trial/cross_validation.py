"""Score a configuration on its training queries: one model for each fold, trained without it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from embedtune.archive.documents import mapping, read_json
from embedtune.config import Config, measured_dims
from embedtune.data import Fold
from embedtune.errors import UserError
from embedtune.evaluation import FoldScores, Measures, Pooled, evaluate_retrieval, pool, read_scores, write_scores
from embedtune.paths import write_json
from embedtune.records import RetrievalScores, RetrievalSet
from embedtune.training import Attempt, Listener, Progress, Seen, train_model
from embedtune.trial.attempts import Attempts
from embedtune.trial.bench import Bench
from embedtune.trial.fresh import fresh_model
from embedtune.trial.prepared import prepared_rows
from embedtune.trial.recorder import Pruned, Recorder
from embedtune.trial.watching import Point

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Curve = tuple[FoldScores, ...]
"""The evaluations of one fold, in order."""


def cross_validate(run: Recorder, attempts: Attempts) -> Pooled:
    """Train and score every fold, and write the scores of all training queries to ``folds.parquet``.

    The pruner gets a report after each fold: its number, and the mean over the queries scored so far. A fold that an
    attempt before finished is read, not trained again.

    Args:
        run: The trial's record.
        attempts: At its trainings.

    Raises:
        Pruned: The pruner says so.
    """
    folds, objective = run.bench.folds, run.bench.objective
    curves: list[Curve] = []
    for number, fold in enumerate(folds, start=1):
        place = f"{number}/{len(folds)}"
        known = _read_curve(run, attempts, number)
        curves.append(known or attempts.anew(partial(_train_fold, run, fold, f"fold {place}")))
        pooled = pool(curves, objective.dim, objective.metric)
        point = Point(number, number / len(folds), pooled.value)
        stop = run.hooks.reporter.evaluated(point, objective.of_queries(pooled.scores))
        if known is None:
            _write_curve(run, number, curves[-1])
        run.scored_folds(number)
        if known is None:
            run.hooks.watcher.fold_ended(run.number, place, pooled.value)
            if stop:
                raise Pruned(f"pruned after fold {place} at {pooled.value:.4f}")
    return _recorded(run, pooled)


def score_untuned(run: Recorder, model: SentenceTransformer) -> Pooled:
    """The same for a model that was not trained, which needs no folds: its scores of all training queries."""
    held_out = [fold.held_out for fold in run.bench.folds]
    queries = {key: text for part in held_out for key, text in part.queries.items()}
    every = RetrievalSet(queries, held_out[0].corpus, run.bench.fold_relevance)
    scores = _score(run.config, run.bench, model, every)
    value = run.bench.objective.of_queries(scores).mean()
    return _recorded(run, Pooled(float(value), 0.0, scores))


def _train_fold(run: Recorder, fold: Fold, stage: str, attempt: Attempt) -> Curve:
    config, points = run.config, []
    model = fresh_model(config, run.bench)

    def evaluate(progress: Progress) -> None:
        points.append(FoldScores(progress.epoch, _score(config, run.bench, model, fold.held_out)))

    listener = Listener(evaluate, lambda progress: run.stepped(replace(progress, stage=stage)))
    others = {split: data for split, data in run.bench.task.splits.items() if split != "train"}  # it holds all folds
    bench = replace(run.bench, task=replace(run.bench.task, splits=others))
    prepared = prepared_rows(config, bench, fold.training, run.trial.prepared)
    train_model(model, prepared.training, config, attempt, listener, prepared.refresh)
    run.meter.finish()
    return tuple(points)


def _score(config: Config, bench: Bench, model: SentenceTransformer, data: RetrievalSet) -> RetrievalScores:
    dims, measures = measured_dims(config, bench.dim), Measures.of(config.eval)
    return evaluate_retrieval(model, data, dims, batch_size=config.eval.batch_size, measures=measures)


def _recorded(run: Recorder, pooled: Pooled) -> Pooled:
    scores = replace(pooled.scores, group_of=run.bench.fold_groups)
    write_scores(scores, run.trial.folds)
    return replace(pooled, scores=scores)


def _write_curve(run: Recorder, number: int, curve: Curve) -> None:
    """Keep what a finished fold gave, for the trial that goes on if this one is killed."""
    if not run.resumable:
        return
    for ordinal, point in enumerate(curve):
        write_scores(point.scores, _part(run, number, ordinal))
    meter = run.meter
    used = {"seconds": meter.seconds, **asdict(meter.seen), "mini_batch_size": meter.mini_batch_size}
    write_json(_index(run, number), {"identity": run.identity(), "epochs": [point.epoch for point in curve], **used})


def _read_curve(run: Recorder, attempts: Attempts, number: int) -> Curve | None:
    """The curve of a finished fold; its index is written last, so that it is complete or absent."""
    try:
        values = mapping(read_json(_index(run, number)))
        if values["identity"] != json.loads(json.dumps(run.identity())):
            return None
        scores = [read_scores(_part(run, number, ordinal)) for ordinal in range(len(values["epochs"]))]
        run.meter.skip(Seen(values["tokens"], values["rows"]), values["seconds"])
        attempts.fitted(values["mini_batch_size"])
        return tuple(map(FoldScores, values["epochs"], scores))
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None


def _index(run: Recorder, number: int) -> Path:
    return run.trial.fold_parts / f"{number}.json"


def _part(run: Recorder, number: int, ordinal: int) -> Path:
    return run.trial.fold_parts / f"{number}-{ordinal}.parquet"
