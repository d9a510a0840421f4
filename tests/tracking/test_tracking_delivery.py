"""Trial and study folders delivered to a real sqlite store: once, twice, late, and after crashes."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from embedtune.archive import read_evaluations, record_opening
from embedtune.config import TrackingConfig
from embedtune.errors import TrackingError
from embedtune.paths import StudyPaths, Workspace, write_json
from embedtune.records import Interruption, State, TrialRecord
from embedtune.tracking import Store, deliver_study, deliver_trial, links, open_store
from embedtune.tracking.study_run import history

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def rows(store: Store) -> dict[str, int]:
    """How much the database holds."""
    with sqlite3.connect(store.uri.removeprefix("sqlite:///")) as database:
        tables = ("runs", "metrics", "params", "tags", "datasets", "inputs", "experiment_tags")
        counts = {table: database.execute(f"select count(*) from {table}").fetchone()[0] for table in tables}
    database.close()
    return counts


def read(client: MlflowClient, run_id: str) -> Run:
    return client.get_run(run_id)


def local_path(client: MlflowClient, run_id: str) -> Path:
    from mlflow.utils.file_utils import local_file_uri_to_path

    return Path(local_file_uri_to_path(client.get_run(run_id).info.artifact_uri))


def artifact(client: MlflowClient, run_id: str, path: str, folder: Path) -> str:
    return Path(client.download_artifacts(run_id, path, str(folder))).read_text(encoding="utf-8")


def test_a_complete_trial_arrives_whole(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any, tmp_path: Path
) -> None:
    record = made.trial(study, made.Spec(7))
    run_id = deliver_trial(store, study.trial(7), parent_run_id=None)
    run = read(client, run_id)
    assert run.info.run_name == f"{study.name}-0007"
    assert run.info.status == "FINISHED"
    assert (run.info.start_time, run.info.end_time) == (record.started, record.started + round(record.seconds * 1000))
    assert run.data.metrics["best/map_at_100"] == round(record.value or 0, 5)
    assert run.data.params["data.path"] == "/daten/Übung №1"
    assert run.data.params["log10_learning_rate"] == "-4.301"
    tags = run.data.tags
    assert tags["embedtune.uid"] == f"{study.name}/0007"
    assert (tags["embedtune.kind"], tags["embedtune.state"], tags["embedtune.trial"]) == (
        "trial",
        "complete",
        "0007",
    )
    assert tags["mlflow.source.git.commit"] == "0123456789abcdef0123456789abcdef01234567"
    assert tags["embedtune.git_revision"].endswith("-dirty")
    assert tags["embedtune.versions"] == "embedtune 0.1.0, torch 2.9.1"
    assert tags["embedtune.digests"].startswith("train ")
    assert not [key for key in tags if key.startswith(("embedtune.versions.", "embedtune.tokens", "embedtune.steps"))]
    cost = {key: value for key, value in run.data.metrics.items() if key.startswith("cost/")}
    assert cost == {
        "cost/seconds": 162.5,
        "cost/device_seconds": 162.5,
        "cost/tokens": 249600.0,
        "cost/tokens_per_second": 1536.0,
        "cost/peak_memory_gb": 1.2346,
    }
    first_line = tags["mlflow.note.content"].splitlines()[0]
    assert f"cosine_map@100 **{record.value:.4f}**" in first_line
    used = {use.dataset.name: use.tags[0].value for use in run.inputs.dataset_inputs}
    assert used == {"rights-train": "training", "rights-validation": "validation"}
    files = {item.path for item in client.list_artifacts(run_id)}
    assert files == {"config.yaml", "metrics.jsonl", "scores.parquet", "training.json", "trial.log", "eval"}
    table = json.loads(artifact(client, run_id, "eval/best_metrics.json", tmp_path))
    assert table["columns"] == ["metric", "384", "256", "128", "64", "32"]
    exact = {row[0]: row[1] for row in table["data"]}
    assert len(exact) == 30
    assert exact["cosine_map@100"] == record.value


def test_delivering_twice_changes_nothing(store: Store, study: StudyPaths, made: Any) -> None:
    records = made.study(study, made.specs)
    parent = deliver_study(store, study, records)
    runs = [deliver_trial(store, study.trial(record.number), parent_run_id=parent) for record in records]
    before = rows(store)
    assert deliver_study(store, study, records) == parent
    assert [deliver_trial(store, study.trial(record.number), parent_run_id=parent) for record in records] == runs
    for record in records:
        study.trial(record.number).tracking.unlink()
    assert [deliver_trial(store, study.trial(record.number), parent_run_id=parent) for record in records] == runs
    assert rows(store) == before


def test_a_running_trial_grows_and_ends_in_one_run(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    spec = made.Spec(0)
    trial = study.trial(0)
    made.trial(study, replace(spec, state=State.RUNNING, made=0))
    run_id = deliver_trial(store, trial, parent_run_id=None)
    assert (read(client, run_id).info.status, read(client, run_id).data.metrics) == ("RUNNING", {})
    for done in (1, 3):
        made.trial(study, replace(spec, state=State.RUNNING, made=done))
        assert deliver_trial(store, trial, parent_run_id=None) == run_id
        assert len(client.get_metric_history(run_id, "best/epoch")) == done
        assert not client.list_artifacts(run_id)
    made.trial(study, spec)
    assert deliver_trial(store, trial, parent_run_id=None) == run_id
    run = read(client, run_id)
    assert (run.info.status, run.data.tags["embedtune.state"]) == ("FINISHED", "complete")
    assert [point.step for point in client.get_metric_history(run_id, "train/loss")] == [24, 48, 72, 96]


def test_a_crash_between_sending_and_noting_it_leaves_no_doubles(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    trial = study.trial(0)
    made.trial(study, made.Spec(0, State.RUNNING, made=2))
    run_id = deliver_trial(store, trial, parent_run_id=None)
    trial.tracking.write_text('{"run_id": "', encoding="utf-8")
    with trial.metrics.open("a", encoding="utf-8") as file:
        file.write('{"step": 72, "epoch"')
    assert deliver_trial(store, trial, parent_run_id=None) == run_id
    made.trial(study, made.Spec(0))
    assert deliver_trial(store, trial, parent_run_id=None) == run_id
    assert [point.step for point in client.get_metric_history(run_id, "dim0064/map_at_100")] == [24, 48, 72, 96]


@pytest.mark.parametrize(
    ("number", "status", "state", "reason"),
    [
        (2, "FINISHED", "pruned", "pruned after evaluation 2"),
        (4, "FAILED", "fail", "RuntimeError: out of memory"),
        (5, "KILLED", "interrupted", "interrupted"),
    ],
)
def test_how_a_trial_ended(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any, number: int, status: str, state: str, reason: str
) -> None:
    made.trial(study, made.specs[number])
    run = read(client, deliver_trial(store, study.trial(number), parent_run_id=None))
    assert run.info.status == status
    assert (run.data.tags["embedtune.state"], run.data.tags["embedtune.reason"]) == (state, reason)
    assert reason in run.data.tags["mlflow.note.content"]


def test_states_are_told_apart_by_filter(store: Store, study: StudyPaths, client: MlflowClient, made: Any) -> None:
    for record in made.study(study, made.specs):
        deliver_trial(store, study.trial(record.number), parent_run_id=None)
    found = {}
    for state in ("complete", "pruned", "fail", "interrupted"):
        where = f"tags.`embedtune.study` = '{study.name}' AND tags.`embedtune.state` = '{state}'"
        runs = client.search_runs([store.experiment_id], f"{where} AND tags.`embedtune.kind` = 'trial'")
        found[state] = sorted(run.data.tags["embedtune.trial"] for run in runs)
    assert found == {
        "complete": ["0000", "0001", "0003"],
        "pruned": ["0002"],
        "fail": ["0004"],
        "interrupted": ["0005"],
    }


def test_a_trial_that_failed_before_its_first_evaluation(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    made.trial(study, made.Spec(0, State.FAIL, made=0, reason="ValueError: bad"))
    run = read(client, deliver_trial(store, study.trial(0), parent_run_id=None))
    assert run.info.status == "FAILED"
    assert not [key for key in run.data.metrics if not key.startswith("cost/")]
    assert "not evaluated yet" in run.data.tags["mlflow.note.content"]


def test_the_baseline_has_scores_but_no_training_params(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    made.trial(study, made.Spec(-1))
    run = read(client, deliver_trial(store, study.baseline, parent_run_id=None))
    assert run.info.run_name == f"{study.name}-baseline"
    assert run.data.tags["embedtune.kind"] == "baseline"
    assert run.data.metrics["best/map_at_100"] == 0.60023
    assert not [key for key in run.data.params if key.startswith(("train", "loss", "log10"))]


def test_secrets_stay_at_home(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any, workspace: Workspace
) -> None:
    config = {
        "tracking": {"uri": "http://anna:geheim1@mlflow.example", "password": "geheim2"},
        "study": {"storage": "postgresql://anna:geheim3@db/optuna", "list": ["https://h/?token=geheim4"]},
    }
    made.trial(
        study,
        made.Spec(0, State.FAIL, reason="OSError: http://anna:geheim5@host", config=config, facts={"token": "geheim6"}),
    )
    run_id = deliver_trial(store, study.trial(0), parent_run_id=None)
    run = read(client, run_id)
    assert run.data.params["study.storage"] == "postgresql://***@db/optuna"
    kept = json.dumps(run.to_dictionary())
    place = Path(workspace.mlruns / "artifacts" / "embedtune" / run_id)
    kept += "".join(path.read_text("utf-8", "replace") for path in place.rglob("*") if path.is_file())
    assert "config.yaml" in {path.name for path in place.rglob("*")}
    assert "geheim" not in kept


def test_a_trial_that_began_again_shows_no_point_of_before(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    spec, trial = made.Spec(0, state=State.RUNNING, made=2), study.trial(0)
    made.trial(study, spec)
    forgotten = deliver_trial(store, trial, parent_run_id=None)
    again = replace(spec, learning_rate=6e-5, made=1, facts={"restarts": 1})
    made.trial(study, again)
    run_id = deliver_trial(store, trial, parent_run_id=None)
    assert run_id != forgotten
    assert read(client, forgotten).info.lifecycle_stage == "deleted"
    curve = client.get_metric_history(run_id, "train/loss")
    assert [point.step for point in curve] == [24]
    assert curve[0].value != client.get_metric_history(forgotten, "train/loss")[0].value
    trial.tracking.unlink()
    assert deliver_trial(store, trial, parent_run_id=None) == run_id
    made.trial(study, replace(again, state=State.COMPLETE, made=None))
    assert deliver_trial(store, trial, parent_run_id=None) == run_id
    assert [point.step for point in client.get_metric_history(run_id, "train/loss")] == [24, 48, 72, 96]
    before = rows(store)
    assert deliver_trial(store, trial, parent_run_id=None) == run_id
    assert rows(store) == before
    found = client.search_runs([store.experiment_id], f"tags.`embedtune.uid` = '{study.name}/0000'")
    assert [run.info.run_id for run in found] == [run_id]


def test_a_study_with_an_interrupted_trial_is_done_when_its_successor_is(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    specs = [made.Spec(0), made.Spec(1, state=State.FAIL, made=1, interrupted=Interruption.DIED)]
    parent = deliver_study(store, study, made.study(study, specs, n_trials=2))
    assert read(client, parent).info.status == "RUNNING"
    assert deliver_study(store, study, made.study(study, [*specs, made.Spec(2)], n_trials=2)) == parent
    assert read(client, parent).info.status == "FINISHED"
    history = client.get_metric_history(parent, "trial/map_at_100")
    assert [point.step for point in history] == [0, 2]


def test_a_deleted_run_of_an_unfinished_trial_is_made_again(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    made.trial(study, made.Spec(0, State.RUNNING, made=2))
    first = deliver_trial(store, study.trial(0), parent_run_id=None)
    client.delete_run(first)
    second = deliver_trial(store, study.trial(0), parent_run_id=None)
    assert second != first
    assert len(client.get_metric_history(second, "best/epoch")) == 2


def test_a_delivered_study_can_be_delivered_to_another_store(
    study: StudyPaths, store: Store, made: Any, workspace: Workspace, client: MlflowClient
) -> None:
    made.trial(study, made.Spec(0))
    first = deliver_trial(store, study.trial(0), parent_run_id=None)
    other = open_store(TrackingConfig(experiment="a/other №2"), workspace)
    second = deliver_trial(other, study.trial(0), parent_run_id=None)
    assert second != first
    run = read(client, second)
    assert run.data.metrics == read(client, first).data.metrics
    assert (workspace.mlruns / "artifacts" / "a_other__2" / second / "artifacts" / "scores.parquet").is_file()


def test_a_trial_moves_below_its_study_when_that_is_delivered_late(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    records = made.study(study, [made.Spec(0)])
    run_id = deliver_trial(store, study.trial(0), parent_run_id=None)
    parent = deliver_study(store, study, records)
    assert deliver_trial(store, study.trial(0), parent_run_id=parent) == run_id
    assert read(client, run_id).data.tags["mlflow.parentRunId"] == parent


def test_a_folder_without_a_record_is_an_error(store: Store, study: StudyPaths) -> None:
    study.trial(3).root.mkdir(parents=True)
    with pytest.raises(TrackingError, match=r"must hold the record of a trial"):
        deliver_trial(store, study.trial(3), parent_run_id=None)
    study.trial(3).header.write_text("[]", encoding="utf-8")
    with pytest.raises(TrackingError, match=r"must hold the record of a trial"):
        deliver_trial(store, study.trial(3), parent_run_id=None)


def test_a_study_shows_its_verdict_history_and_trials(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    records = made.study(study, made.specs, n_trials=5)  # one of the six was interrupted
    run_ids = {r.number: deliver_trial(store, study.trial(r.number), parent_run_id=None) for r in records}
    run = read(client, deliver_study(store, study, records))
    best = max((r for r in records if r.state is State.COMPLETE), key=lambda r: r.value or 0)
    lines = run.data.tags["mlflow.note.content"].splitlines()
    gain = best.value - (records[0].value or 0)
    assert f"**{study.name}-{best.name}** with cosine_map@100 **{best.value:.4f}**, untuned 0.6002" in lines[0]
    assert lines[0].endswith(f"({gain:+.4f}). 5 of 5 trials ended.")
    page = f"#/experiments/{store.experiment_id}/runs/{run_ids[best.number]}?workflowType=machine_learning"
    assert lines[4].startswith(f"| 1 | [{study.name}-{best.name}]({page}) | complete |")
    assert f"{study.name}-baseline" in lines[-1]
    assert len(lines) == 2 + 2 + 7
    assert (run.info.status, run.data.tags["embedtune.state"]) == ("FINISHED", "complete")
    assert run.data.params["space.train.learning_rate"] == "tag(log, interval(1e-5, 3e-4))"
    assert run.data.tags["embedtune.n_trials"] == "5"
    trials = client.get_metric_history(run.info.run_id, "trial/map_at_100")
    assert [point.step for point in trials] == [0, 1, 2, 3, 4]
    bests = [point.value for point in client.get_metric_history(run.info.run_id, "best/map_at_100")]
    assert bests == sorted(bests)
    assert bests[-1] == round(best.value, 5)
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["study.yaml"]


def test_a_trial_judged_by_folds_is_ranked_by_them(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    record = made.trial(study, made.Spec(7))
    first = read_evaluations(study.trial(7))[0]
    judged = replace(record, value=0.4321, best_step=first.step, best_epoch=first.epoch, metrics=first.metrics)
    write_json(study.trial(7).result, judged.to_dict())
    run = read(client, deliver_trial(store, study.trial(7), parent_run_id=None))
    assert run.data.metrics["best/map_at_100"] == 0.4321
    assert run.data.metrics["best/epoch"] == 1
    assert "cosine_map@100 **0.4321** by folds of the training queries" in run.data.tags["mlflow.note.content"]


def test_openings_of_the_test_split_are_told(store: Store, study: StudyPaths, client: MlflowClient, made: Any) -> None:
    records = made.study(study, made.specs[:1])
    run = read(client, deliver_study(store, study, records))
    assert run.data.tags["embedtune.test_openings"] == "0"
    record_opening(study, "release a")
    record_opening(study, "evaluate b")
    run = read(client, deliver_study(store, study, records))
    assert run.data.tags["embedtune.test_openings"] == "2"
    lines = run.data.tags["mlflow.note.content"].splitlines()
    assert "The test split was read 2 times" in lines[0]
    assert lines[2].startswith("| rank |")


def test_the_report_hangs_on_the_study_and_is_sent_again_only_when_it_changed(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any, tmp_path: Path
) -> None:
    records = made.study(study, [made.Spec(0)])
    run_id = deliver_study(store, study, records)
    study.plots.mkdir()
    (study.plots / "history.png").write_bytes(b"png")
    (study.plots / "history.svg").write_bytes(b"svg")
    study.report.write_text("<p>one</p>", encoding="utf-8")
    deliver_study(store, study, records)
    assert {item.path for item in client.list_artifacts(run_id)} == {"study.yaml", "report.html", "plots"}
    assert [item.path for item in client.list_artifacts(run_id, "plots")] == ["plots/history.png"]
    place = local_path(client, run_id)
    (place / "report.html").write_text("marked", encoding="utf-8")
    deliver_study(store, study, records)
    assert (place / "report.html").read_text(encoding="utf-8") == "marked"
    study.report.write_text("<p>two</p>", encoding="utf-8")
    deliver_study(store, study, records)
    assert artifact(client, run_id, "report.html", tmp_path) == "<p>two</p>"


def test_two_deliverers_of_one_folder_make_one_run(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    records = made.study(study, [made.Spec(0), made.Spec(1)])
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: deliver_trial(store, study.trial(0), parent_run_id=None), range(4)))
        parents = list(pool.map(lambda _: deliver_study(store, study, records), range(4)))
    assert (len(set(runs)), len(set(parents))) == (1, 1)
    where = f"tags.`embedtune.study` = '{study.name}'"
    assert len(client.search_runs([store.experiment_id], where)) == 2


def test_a_study_can_begin_empty_and_be_given_more_trials(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    made.study(study, [], n_trials=1)
    run_id = deliver_study(store, study, [])
    run = read(client, run_id)
    assert run.info.status == "RUNNING"
    assert run.data.tags["mlflow.note.content"].startswith("No trial has a score yet (cosine_map@100). 0 of 1 trials")
    records = made.study(study, [made.Spec(0)], n_trials=1)
    assert deliver_study(store, study, records) == run_id
    assert read(client, run_id).info.status == "FINISHED"
    records = made.study(study, [made.Spec(0)], n_trials=3)
    assert deliver_study(store, study, records) == run_id
    run = read(client, run_id)
    assert (run.info.status, run.data.tags["embedtune.n_trials"]) == ("RUNNING", "3")


def test_a_study_without_definition_is_an_error(store: Store, study: StudyPaths) -> None:
    with pytest.raises(TrackingError, match=r"study\.yaml must define the study to be delivered"):
        deliver_study(store, study, [])


def test_a_note_of_many_trials_fits_into_a_tag(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    records = made.study(study, [made.Spec(0)], n_trials=300)
    many = [replace(records[1], number=number, run_id="f" * 32) for number in range(300)]
    note = read(client, deliver_study(store, study, many)).data.tags["mlflow.note.content"]
    assert len(note) <= 8000
    assert note.endswith("More trials are in the leaderboard: 300 in all.")
    assert note.splitlines()[-3].endswith("|")


def test_history_does_not_change_when_a_lower_number_ends_later() -> None:
    def ended(number: int, value: float, started: int, seconds: float) -> TrialRecord:
        return TrialRecord("s", number, State.COMPLETE, value=value, started=started, seconds=seconds)

    early = [ended(1, 0.5, 1000, 10), ended(2, 0.6, 2000, 10)]
    late = ended(0, 0.9, 500, 100)
    running = TrialRecord("s", 3, State.RUNNING, started=5000)
    before = set(history([*early, running], "cosine_map@100"))
    after = set(history([*early, late], "cosine_map@100"))
    assert before < after
    assert {(point.key, point.step) for point in after - before} == {("best/map_at_100", 0), ("trial/map_at_100", 0)}


def test_links_lead_to_views_that_exist(store: Store, study: StudyPaths, client: MlflowClient, made: Any) -> None:
    records = made.study(study, [made.Spec(0)])
    deliver_study(store, study, records)
    tags = client.get_experiment(store.experiment_id).tags
    found = links(store, TrackingConfig(port=5123), study.name)
    for url in (found.leaderboard, found.curves, found.parameters, found.dimensions):
        assert url.startswith(f"http://127.0.0.1:5123/#/experiments/{store.experiment_id}/runs?workflowType=machine_")
        key = url.partition("viewStateShareKey=")[2].partition("&")[0]
        assert f"mlflow.sharedViewState.{key}" in tags
    key = links(store, TrackingConfig()).leaderboard.partition("viewStateShareKey=")[2]
    assert json.loads(tags[f"mlflow.sharedViewState.{key}"])["name"] == "All studies"
    assert found.run("abc").endswith(f"/#/experiments/{store.experiment_id}/runs/abc?workflowType=machine_learning")


def test_views_are_written_again_only_when_they_change(
    store: Store, study: StudyPaths, client: MlflowClient, made: Any
) -> None:
    records = made.study(study, [made.Spec(0)])
    deliver_study(store, study, [])
    empty = dict(client.get_experiment(store.experiment_id).tags)
    deliver_study(store, study, records)
    full = dict(client.get_experiment(store.experiment_id).tags)
    deliver_study(store, study, records)
    assert client.get_experiment(store.experiment_id).tags == full
    key = f"mlflow.sharedViewState.embedtune-{study.name}-leaderboard"
    assert empty[key] != full[key]
