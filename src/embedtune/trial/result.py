"""Findings and cost of a trial that ends, for its record. Pure."""

from __future__ import annotations

from dataclasses import replace

from embedtune.evaluation import Pooled
from embedtune.records import Evaluation, TrialRecord
from embedtune.trial.bench import Bench
from embedtune.trial.meter import Meter


def with_result(
    record: TrialRecord, bench: Bench, best: Evaluation | None, pooled: Pooled | None, meter: Meter
) -> TrialRecord:
    """The record of a trial that ends now.

    Args:
        record: With the state in which it ends.
        bench: Its data and its objective.
        best: The evaluation whose weights are kept; None if there was none.
        pooled: The score of the folds, with ``eval.folds``, once all are scored: without it the trial has no value.
        meter: What it used.
    """
    cost = meter.facts
    value = pooled if bench.folds else best
    return replace(
        record,
        value=value.value if value else None,
        second=bench.objective.second_value(best.metrics) if best else None,
        best_step=best.step if best else None,
        best_epoch=best.epoch if best else None,
        metrics=best.metrics if best else {},
        started=meter.started,  # folds that were not run again moved it back
        seconds=cost["device_seconds"],
        facts={**record.facts, **cost, **_epochs_seen(bench, meter)},
    )


def _epochs_seen(bench: Bench, meter: Meter) -> dict[str, float]:
    rows = sum(map(len, bench.task.training))
    return {"epochs_seen": round(meter.progress.rows / rows, 4)} if meter.progress and rows else {}
