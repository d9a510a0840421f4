"""The trials of a study, ranked: rows for people and for programs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from embedtune.records import State, TrialRecord

ORDER = (State.COMPLETE, State.PRUNED, State.RUNNING, State.WAITING, State.FAIL)
"""States of trials that have no value come in this order."""


def leaderboard(
    definition: Mapping[str, Any],
    records: Iterable[TrialRecord],
    states: Mapping[State, int] | None = None,
    baseline: TrialRecord | None = None,
) -> dict[str, Any]:
    """The study as one JSON document, best trial first.

    Args:
        definition: The study's definition.
        records: Its trials, without those that a retry stands in for.
        states: How many trials are in each state; None counts the records.
        baseline: The untuned base model.
    """
    ordered = best_first(records)
    counted = states or {state: sum(record.state == state for record in ordered) for state in State}
    return {
        "study": definition["name"],
        "objective": definition["objective"],
        "direction": definition["direction"],
        "n_trials": definition["n_trials"] if definition["kind"] == "sweep" else len(ordered),
        "states": {state.value: counted.get(state, 0) for state in State},
        "trials": [_entry(record) for record in ordered],
        "baseline": _entry(baseline) if baseline else None,
        "dim": definition["dim"],
        "data": {**definition["data"], "digests": definition["digests"]},
        "model": definition["model"]["name"],
    }


def best_first(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Trials with a value first, the best on top, the earlier of two equals first; failed ones last."""

    def key(record: TrialRecord) -> tuple[bool, float, int, int]:
        lost = record.value is None or record.state not in (State.COMPLETE, State.PRUNED)
        return lost, 0.0 if record.value is None else -record.value, ORDER.index(record.state), record.number

    return sorted(records, key=key)


def varied(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The searched keys, in the order of the first trial that has them."""
    keys: dict[str, None] = {}
    for entry in entries:
        keys |= dict.fromkeys(entry["params"])
    return list(keys)


def _entry(record: TrialRecord) -> dict[str, Any]:
    return {
        "number": record.number,
        "state": record.state.value,
        "value": record.value,
        "best_step": record.best_step,
        "best_epoch": record.best_epoch,
        "params": dict(record.params),
        "metrics": {dim: dict(values) for dim, values in record.metrics.items()},
        "run_id": record.run_id,
        "checkpoint": record.checkpoint,
        "seconds": round(record.seconds, 3),
        "reason": record.reason,
    }
