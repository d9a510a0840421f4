from __future__ import annotations

import json

from embedtune.records import State, TrialRecord
from embedtune.reporting.leaderboard import leaderboard, varied

DEFINITION = {
    "name": "s", "kind": "sweep", "objective": "cosine_map@100", "direction": "maximize", "n_trials": 4, "dim": 64,
    "data": {"name": "d", "source": "x"}, "digests": {}, "model": {"name": "tiny"},
}  # fmt: skip


def record(number: int, value: float | None, state: State = State.COMPLETE) -> TrialRecord:
    metrics = {} if value is None else {"64": {"cosine_map@100": value}, "32": {"cosine_map@100": value / 2}}
    return TrialRecord("s", number, state, params={"train.epochs": number}, value=value, metrics=metrics)


def test_leaderboard_best_first_with_failed_ones_last() -> None:
    records = [
        record(0, 0.5),
        record(1, None, State.FAIL),
        record(2, 0.7, State.PRUNED),
        record(3, None, State.RUNNING),
    ]
    board = leaderboard(DEFINITION, records, None, record(-1, 0.1))
    assert [entry["number"] for entry in board["trials"]] == [2, 0, 3, 1]
    assert board["states"] == {"complete": 1, "pruned": 1, "fail": 1, "running": 1, "waiting": 0}
    assert board["baseline"]["value"] == 0.1


def test_leaderboard_has_the_documented_fields_and_is_json() -> None:
    board = json.loads(json.dumps(leaderboard(DEFINITION, [record(0, 0.5)])))
    assert {"study", "objective", "direction", "n_trials", "states", "trials"} <= set(board)
    fields = {
        "number",
        "state",
        "value",
        "best_step",
        "best_epoch",
        "params",
        "metrics",
        "run_id",
        "checkpoint",
        "seconds",
    }
    assert fields <= set(board["trials"][0])
    assert board["trials"][0]["metrics"]["32"] == {"cosine_map@100": 0.25}


def test_varied_keeps_the_order_of_the_first_trial() -> None:
    assert varied([{"params": {"b": 1, "a": 2}}, {"params": {"c": 3, "a": 1}}]) == ["b", "a", "c"]
