"""Names and values of the metrics in MLflow. Pure.

The UI groups charts by what stands before the last slash, sorts the groups as text, cuts titles after about 22
characters and lists a run's metrics in the order they were first logged. Hence ``best/*`` first, short names, and
dimensions in four digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from embedtune.records import Evaluation, Metrics, Objective, TrialRecord
from embedtune.tracking.content import Point, end_time, has_ended

HEADLINES = ("map@100", "ndcg@10", "mrr@10", "recall@10", "accuracy@1")
"""The metrics that get charts, for cosine; all others are in the table ``eval/best_metrics.json``."""

SIGNIFICANT = 5
"""Digits shown; the UI prints floats in full. Exact values are in the table and in metrics.jsonl."""


def best_key(objective: Objective) -> str:
    """Name of the metric that ranks the runs: the objective at the best step."""
    return f"best/{short(objective.metric)}"


def best_at(objective: Objective, dim: int) -> str:
    """Name of the same metric at another dimension, at the best step; at any where each trial has its own."""
    shared = objective.second is None or not objective.second.is_size
    best = best_key(objective)
    return best if shared and dim == objective.dim else f"{best}_{section(dim)}"


def second_key(objective: Objective) -> str | None:
    """Name of the second objective at the best step; None with one objective."""
    second = objective.second
    if second is None:
        return None
    return f"best/{second.written}" if second.dim is None else best_at(objective, second.dim)


def is_charted(metric: str) -> bool:
    """Whether a metric has a curve by step at every dimension."""
    return metric.removeprefix("cosine_") in HEADLINES


def short(metric: str) -> str:
    """``map_at_100`` for ``cosine_map@100``; other similarities keep their name. MLflow refuses ``@``."""
    return metric.removeprefix("cosine_").replace("@", "_at_")


def section(dim: int) -> str:
    """``dim0384``: four digits, so that text order is the order of size."""
    return f"dim{dim:04d}"


def at_dim(metric: str, dim: int) -> str:
    """``dim0384/map_at_100``."""
    return f"{section(dim)}/{short(metric)}"


def dims(metrics: Metrics) -> list[int]:
    """The dimensions of an evaluation, largest first."""
    return sorted((int(dim) for dim in metrics), reverse=True)


def best_of(evaluations: Sequence[Evaluation]) -> Evaluation:
    """The evaluation with the largest merit, the first of equal ones; one that is not a number loses."""
    return max(evaluations, key=lambda evaluation: -math.inf if math.isnan(evaluation.merit) else evaluation.merit)


def trial_points(evaluations: Sequence[Evaluation], objective: Objective, *, skip: int = 0) -> tuple[Point, ...]:
    """The points of a trial after its first ``skip`` evaluations, the headline before all others."""
    points: list[Point] = []
    for index in range(skip, len(evaluations)):
        evaluation = evaluations[index]
        values = [*_best(best_of(evaluations[: index + 1]), objective), *_all_dims(evaluation), *_training(evaluation)]
        points += [Point(key, rounded(value), evaluation.step, evaluation.timestamp) for key, value in values]
    return tuple(points)


def judged_points(record: TrialRecord, best: Evaluation, objective: Objective) -> tuple[Point, ...]:
    """The headline of a trial that was judged by folds: its value is that of no evaluation."""
    if not has_ended(record) or record.value is None or record.value == best.value:
        return ()
    values = _best(replace(best, value=record.value), objective)
    return tuple(Point(key, rounded(value), _last_step(record), end_time(record)) for key, value in values)


def cost_points(record: TrialRecord) -> tuple[Point, ...]:
    """The cost of an ended trial, as ``cost/*`` at its last step; empty while it runs."""
    if not has_ended(record):
        return ()
    facts, step = record.facts, _last_step(record)
    tokens, memory = facts.get("tokens"), facts.get("peak_memory_bytes")
    costs = {
        "seconds": record.seconds,
        "device_seconds": facts.get("device_seconds"),
        "tokens": tokens,
        "rows_seen": facts.get("rows_seen"),
        "tokens_per_second": tokens / record.seconds if tokens and record.seconds else None,
        "passages_per_second": facts.get("passages_per_second"),
        "peak_memory_gb": memory / 1e9 if memory else None,
    }
    when = end_time(record)
    return tuple(Point(f"cost/{key}", rounded(value), step, when) for key, value in costs.items() if value is not None)


def _last_step(record: TrialRecord) -> int:
    return int(record.facts.get("steps") or record.best_step or 0)


def rounded(value: float) -> float:
    """Five significant digits."""
    return float(f"{value:.{SIGNIFICANT}g}")


def _best(best: Evaluation, objective: Objective) -> Iterator[tuple[str, float]]:
    first, second = best_key(objective), second_key(objective)
    yield first, best.value
    if second is not None:
        yield second, objective.dim if best.second is None else best.second
    yield "best/epoch", best.epoch
    scores = best.metrics.get(str(objective.dim), {})
    for headline in HEADLINES:
        metric = f"cosine_{headline}"
        if metric in scores and metric != objective.metric:
            yield f"best/{short(metric)}", scores[metric]
    for dim in dims(best.metrics):
        name, scores = best_at(objective, dim), best.metrics[str(dim)]
        if name not in (first, second) and objective.metric in scores:
            yield name, scores[objective.metric]


def _all_dims(evaluation: Evaluation) -> Iterator[tuple[str, float]]:
    for dim in dims(evaluation.metrics):
        scores = evaluation.metrics[str(dim)]
        for metric in (f"cosine_{headline}" for headline in HEADLINES):
            if metric in scores:
                yield at_dim(metric, dim), scores[metric]


def _training(evaluation: Evaluation) -> Iterator[tuple[str, float]]:
    if evaluation.loss is not None:
        yield "train/loss", evaluation.loss
    if evaluation.learning_rate is not None:
        yield "train/learning_rate", evaluation.learning_rate
