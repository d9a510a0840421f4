"""Two objectives in MLflow: names, tags of the front, the study's note, views."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from embedtune.archive import write_result
from embedtune.paths import StudyPaths, write_atomic
from embedtune.records import Evaluation, Objective, SecondObjective, TrialRecord
from embedtune.tracking import Store, deliver_study, deliver_trial
from embedtune.tracking.names import best_of, trial_points
from embedtune.tracking.views import StudyShape, View, study_tags, view_key

if TYPE_CHECKING:
    from mlflow import MlflowClient

METRIC = "cosine_map@100"


def evaluation(step: int, full: float, small: float, second: float | None = None) -> Evaluation:
    metrics = {"384": {METRIC: full}, "64": {METRIC: small}}
    return Evaluation(step, step / 10, full, metrics, 1.0, step, second=second)


def names(objective: Objective, second: float | None) -> dict[str, float]:
    return {point.key: point.value for point in trial_points([evaluation(10, 0.8, 0.7, second)], objective)}


def test_the_second_quality_stands_next_to_the_first() -> None:
    found = names(Objective(METRIC, 384, SecondObjective(64)), 0.7)
    assert list(found)[:3] == ["best/map_at_100", "best/map_at_100_dim0064", "best/epoch"]
    assert found["best/map_at_100_dim0064"] == 0.7


def test_the_size_is_a_metric_and_every_dimension_has_its_name() -> None:
    found = names(Objective(METRIC, 384, SecondObjective(None)), None)
    assert list(found)[:3] == ["best/map_at_100", "best/dimension", "best/epoch"]
    assert found["best/dimension"] == 384
    assert {"best/map_at_100_dim0384", "best/map_at_100_dim0064"} <= found.keys()


def test_the_best_evaluation_has_the_largest_mean() -> None:
    assert best_of([evaluation(10, 0.8, 0.5, 0.5), evaluation(20, 0.79, 0.6, 0.6)]).step == 20


def test_the_view_shows_both_objectives_and_the_front() -> None:
    shape = StudyShape("s", Objective(METRIC, 384, SecondObjective(64)), (384, 64), ())
    assert set(study_tags(shape)) == set(study_tags(replace(shape, objective=Objective(METRIC, 384))))
    assert study_tags(shape) != study_tags(replace(shape, objective=Objective(METRIC, 384)))
    assert any(view_key(View.LEADERBOARD, "s") in key for key in study_tags(shape))


def ended(study: StudyPaths, records: list[TrialRecord], pairs: dict[int, tuple[float, float]]) -> list[TrialRecord]:
    """The records with these values, in their folders too."""
    changed = []
    for record in (record for record in records if not record.is_baseline):
        value, second = pairs[record.number]
        record = replace(record, value=value, second=second, facts={**record.facts, "second": 64})
        write_result(study.trial(record.number), record)
        changed.append(record)
    return changed


def test_runs_are_tagged_as_they_come_to_the_front_and_leave_it(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    def deliver(pairs: dict[int, tuple[float, float]]) -> dict[str, str]:
        records = made.study(study, [made.Spec(number) for number in pairs], n_trials=3)
        text = study.definition.read_text(encoding="utf-8")
        write_atomic(study.definition, text if "second:" in text else text + "second: 64\n")
        records = ended(study, records, pairs)
        runs = {record.name: deliver_trial(store, study.trial(record.number), parent_run_id=None) for record in records}
        runs["parent"] = deliver_study(store, study, records)
        assert deliver_study(store, study, records) == runs["parent"]
        return {name: client.get_run(run).data.tags.get("embedtune.front", "") for name, run in runs.items()}

    first = deliver({0: (0.8, 0.5), 1: (0.7, 0.6)})
    assert first == {"0000": "true", "0001": "true", "parent": "0, 1"}
    then = deliver({0: (0.8, 0.5), 1: (0.7, 0.6), 2: (0.75, 0.65)})
    assert then == {"0000": "true", "0001": "false", "0002": "true", "parent": "0, 2"}
    mine = f"tags.`embedtune.kind` = 'study' AND tags.`embedtune.study` = '{study.name}'"
    (parent,) = client.search_runs([store.experiment_id], mine)
    note = parent.data.tags["mlflow.note.content"]
    assert note.startswith("Front: 2 of 3 trials, from ")
    assert "| @64d | front |" in note
    history = client.get_metric_history(parent.info.run_id, "trial/map_at_100_dim0064")
    assert {point.step: point.value for point in history} == {0: 0.5, 1: 0.6, 2: 0.65}
