"""The trials of a study, ranked: rows for people and for programs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from embedtune.ranking import best_first, front_numbers
from embedtune.records import State, TrialRecord


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
    board = {
        "study": definition["name"],
        "objective": definition["objective"],
        "direction": definition["direction"],
        "n_trials": definition["n_trials"] if definition["kind"] == "sweep" else len(ordered),
        "states": {state.value: counted.get(state, 0) for state in State},
        "trials": [_entry(record) for record in ordered],
        "baseline": _entry(baseline) if baseline else None,
        "dim": definition["dim"],
        "folds": folds_of(definition),
        "data": {**definition["data"], "digests": definition["digests"]},
        "model": definition["model"]["name"],
    }
    return board if definition.get("second") is None else _with_front(board, definition, ordered, baseline)


def folds_of(definition: Mapping[str, Any]) -> int:
    """Of how many folds of the training queries a trial's value is the mean; 0: it is that of the validation split."""
    return int(((definition.get("recipe") or {}).get("eval") or {}).get("folds") or 0)


def objectives(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a study of two objectives optimises: the metric at two dimensions, or the metric and the dimension itself.

    The dimension of a metric is None where every trial has its own.
    """
    metric, second = definition["objective"], definition["second"]
    if second == "dimension":
        size = {"metric": second, "dim": None, "direction": "minimize"}
        return [{"metric": metric, "dim": None, "direction": "maximize"}, size]
    return [{"metric": metric, "dim": dim, "direction": "maximize"} for dim in (definition["dim"], second)]


def varied(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The searched keys, in the order of the first trial that has them."""
    keys: dict[str, None] = {}
    for entry in entries:
        keys |= dict.fromkeys(entry["params"])
    return list(keys)


def _with_front(
    board: dict[str, Any], definition: Mapping[str, Any], ordered: Sequence[TrialRecord], baseline: TrialRecord | None
) -> dict[str, Any]:
    """The board with both values of every trial, and whether it is on the front."""
    first = front_numbers(ordered)

    sized = definition["second"] == "dimension"

    def with_values(entry: dict[str, Any], record: TrialRecord) -> dict[str, Any]:
        second = int(record.second) if sized and record.second is not None else record.second
        return {**entry, "values": [record.value, second], "front": record.number in first}

    trials = [with_values(entry, record) for entry, record in zip(board["trials"], ordered, strict=True)]
    return {
        **board,
        "objectives": objectives(definition),
        "front": [record.number for record in ordered if record.number in first],
        "trials": trials,
        "baseline": with_values(board["baseline"], baseline) if baseline else None,
    }


def _entry(record: TrialRecord) -> dict[str, Any]:
    return {
        "number": record.number,
        "state": record.state.value,
        "value": record.value,
        "feasible": record.feasible,
        "best_step": record.best_step,
        "best_epoch": record.best_epoch,
        "params": dict(record.params),
        "metrics": {dim: dict(values) for dim, values in record.metrics.items()},
        "run_id": record.run_id,
        "checkpoint": record.checkpoint,
        "seconds": round(record.seconds, 3),
        "reason": record.reason,
    }
