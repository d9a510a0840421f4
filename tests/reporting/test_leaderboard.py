from __future__ import annotations

import json
from dataclasses import replace

import pytest

from embedtune.records import Opening, State, StudyDefinition, TrialRecord
from embedtune.reporting.certainty import with_certainty
from embedtune.reporting.leaderboard import Entry, leaderboard, searched_keys

WRITTEN = {
    "name": "s", "kind": "sweep", "objective": "cosine_map@100", "direction": "maximize", "n_trials": 4, "dim": 64,
    "data": {"name": "d", "source": "x"}, "digests": {}, "model": {"name": "tiny"},
}  # fmt: skip
DEFINITION = StudyDefinition.from_dict(WRITTEN)


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
    board = leaderboard(DEFINITION, records, baselines=[record(-1, 0.1)])
    assert [entry.number for entry in board.trials] == [2, 0, 3, 1]
    assert board.best == board.trials[0]
    assert board.baseline is not None
    assert board.baseline.record.value == 0.1
    assert board.to_dict()["states"] == {"complete": 1, "pruned": 1, "fail": 1, "running": 1, "waiting": 0}


def test_a_study_without_scores_has_no_best_trial() -> None:
    board = leaderboard(DEFINITION, [record(0, None, State.RUNNING), record(1, 0.9, State.FAIL)])
    assert board.best is None
    assert board.baseline is None


TRIAL = ["number", "state", "value", "feasible", "best_step", "best_epoch", "params", "metrics", "run_id", "checkpoint",
         "seconds", "reason"]  # fmt: skip
STUDY = ["study", "objective", "direction", "n_trials", "states", "trials", "baseline", "dim", "folds", "data", "model"]
JUDGED, TWO = ["tie", "queries", "test_openings"], ["objectives", "front"]


@pytest.mark.parametrize("second", [None, 32, "dimension"])
@pytest.mark.parametrize("judged", [False, True])
def test_the_keys_of_the_document_and_their_order(second: int | str | None, judged: bool) -> None:
    definition = StudyDefinition.from_dict({**WRITTEN, "second": second})
    trial = replace(record(0, 0.5), second=None if second is None else 32.0, facts={"second": second})
    board = leaderboard(definition, [trial], baselines=[replace(trial, number=-1)])
    document = (with_certainty(board, {}) if judged else board).to_dict()
    assert list(document) == [*STUDY, *(TWO if second else []), *(JUDGED if judged else [])]
    entry = [*TRIAL, *(["values", "front"] if second else []), *(["interval", "tied"] if judged else [])]
    assert list(document["trials"][0]) == list(document["baseline"]) == entry
    assert list(document["states"]) == ["complete", "pruned", "fail", "running", "waiting"]
    assert list(document["data"]) == ["name", "source", "digests"]
    assert [list(objective) for objective in document.get("objectives", [])] == [["metric", "dim", "direction"]] * (
        2 if second else 0
    )
    assert json.loads(json.dumps(document)) == document


def test_the_document_is_written_as_it_always_was() -> None:
    trial = replace(record(0, 0.5), best_step=3, best_epoch=1.0, seconds=1.23456, run_id="r", checkpoint="/c")
    document = with_certainty(leaderboard(DEFINITION, [trial]), {}, [Opening(1, "release s")]).to_dict()
    assert json.dumps(document) == (
        '{"study": "s", "objective": "cosine_map@100", "direction": "maximize", "n_trials": 4, '
        '"states": {"complete": 1, "pruned": 0, "fail": 0, "running": 0, "waiting": 0}, '
        '"trials": [{"number": 0, "state": "complete", "value": 0.5, "feasible": true, "best_step": 3, '
        '"best_epoch": 1.0, "params": {"train.epochs": 0}, '
        '"metrics": {"64": {"cosine_map@100": 0.5}, "32": {"cosine_map@100": 0.25}}, "run_id": "r", '
        '"checkpoint": "/c", "seconds": 1.235, "reason": null, "interval": null, "tied": false}], "baseline": null, '
        '"dim": 64, "folds": 0, "data": {"name": "d", "source": "x", "digests": {}}, "model": "tiny", "tie": [], '
        '"queries": null, "test_openings": 1}'
    )


def test_searched_keys_are_in_the_order_of_the_first_trial() -> None:
    first, second = (replace(record(0, 0.5), params=params) for params in ({"b": 1, "a": 2}, {"c": 3, "a": 1}))
    assert searched_keys([Entry(first), Entry(second)]) == ["b", "a", "c"]


def test_several_untuned_models_are_called_by_their_names() -> None:
    untuned = [replace(record(-1, 0.1), facts={"base_model": name}) for name in ("tiny", "minilm")]
    board = leaderboard(DEFINITION, [record(0, 0.5)], baselines=untuned)
    assert [board.label(entry) for entry in board.entries] == ["0", "untuned tiny", "untuned minilm"]
    alone = leaderboard(DEFINITION, [], baselines=untuned[:1])
    assert [alone.label(entry) for entry in alone.entries] == ["untuned"]
