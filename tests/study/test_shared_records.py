"""One study in PostgreSQL or sqlite, run from folders that share no file."""

from __future__ import annotations

import logging
import multiprocessing
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from optuna.trial import TrialState

from embedtune import archive
from embedtune.api import load_study
from embedtune.config import Config
from embedtune.errors import ConfigError, StudyError
from embedtune.machine.processes import worker_identity
from embedtune.paths import StudyPaths
from embedtune.records import BASE, Objective, Search, State, TaskData, TrialRecord
from embedtune.study import Study, beating, claim, left, open_study, reconcile, states
from embedtune.study.checkpoints import keep_best
from embedtune.study.definition import define_study, save_definition
from embedtune.study.outcome import settle, tell
from embedtune.study.records import agree, is_running, publish, publish_baseline, read_all, read_baselines, read_records

SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432"
SEARCH = Search(space={"train.epochs": "choice(1, 2)"})
DEFINITION = define_study(Config(), TaskData("t", "t", (), {}, {}), Objective("cosine_map@100", 64), SEARCH)


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of a database of this test's own."""
    pytest.importorskip("psycopg")
    name = f"embedtune_{uuid.uuid4().hex}"
    server = sqlalchemy.create_engine(f"{SERVER}/postgres", isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    except sqlalchemy.exc.OperationalError:
        pytest.skip("needs PostgreSQL at 127.0.0.1:5432 that trusts postgres")
    yield f"postgresql+psycopg://postgres:geheim@127.0.0.1:5432/{name}"
    with server.connect() as connection:
        connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(params=["postgres", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/study.db"
    found: str = request.getfixturevalue("postgres")
    return found


def host(tmp_path: Path, name: str, url: str) -> Study:
    """The study as a host sees it that has a folder of its own."""
    return open_study(StudyPaths(tmp_path / name / "sweeps" / "s"), url)


def run(study: Study, n_trials: int, value: float, state: State = State.COMPLETE) -> int:
    trial = claim(study, n_trials, worker_identity())
    assert trial is not None
    trial.suggest_float("x", 0, 1)
    paths = study.paths.trial(trial.number)
    record = TrialRecord("s", trial.number, state, {"x": 0.5}, value, seconds=1.0, checkpoint="/of/this/host")
    archive.write_header(paths, record, {})
    archive.write_result(paths, record)
    paths.checkpoint.mkdir()
    publish(study, record)
    tell(study, record)
    return trial.number


def run_all(root: Path, url: str, n_trials: int) -> None:
    study = open_study(StudyPaths(root / "sweeps" / "s"), url)
    while (trial := claim(study, n_trials, worker_identity())) is not None:
        trial.suggest_float("x", 0, 1)
        study.optuna.tell(trial.number, 1.0)


def test_processes_that_create_the_database_together_share_one_exact_total(tmp_path: Path, url: str) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=run_all, args=(tmp_path / str(i), url, 12)) for i in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert states(host(tmp_path, "new", url))[State.COMPLETE] == 12


def create(root: Path, url: str, name: str) -> None:
    open_study(StudyPaths(root / "sweeps" / name), url)


def test_studies_begin_together_in_one_new_database(tmp_path: Path, url: str) -> None:
    context = multiprocessing.get_context("fork")
    begun = [context.Process(target=create, args=(tmp_path / name, url, name)) for name in ("a", "b", "c")]
    for process in begun:
        process.start()
    for process in begun:
        process.join(120)
    assert [process.exitcode for process in begun] == [0, 0, 0]


def test_a_claim_whose_answer_was_lost_is_run_again(tmp_path: Path, url: str) -> None:
    study = host(tmp_path, "a", url)
    lost = claim(study, 2, worker_identity())  # the worker never heard of it and asks again
    assert lost is not None
    again = claim(study, 2, worker_identity())
    assert again is not None
    assert again.user_attrs["retry_of"] == lost.number
    assert (states(study)[State.RUNNING], states(study)[State.WAITING], left(study, 2)) == (1, 0, 1)


def test_every_host_ranks_all_trials_and_keeps_the_weights_of_the_best(tmp_path: Path, url: str) -> None:
    a, b = host(tmp_path, "a", url), host(tmp_path, "b", url)
    for study, value in ((a, 0.5), (b, 0.9), (a, 0.7), (b, 0.6)):
        run(study, 4, value)
    for study in (a, b):
        assert [record.value for record in read_records(study)] == [0.5, 0.9, 0.7, 0.6]
        assert is_running(study, 0) is False
        keep_best(study.paths, 2, read_records(study))
        save_definition(study.paths, replace(DEFINITION, name="s", n_trials=4))
    assert [path.name for path in a.paths.checkpoints.iterdir()] == ["0002"]
    assert [path.name for path in b.paths.checkpoints.iterdir()] == ["0001"]
    seen = load_study("s", a.paths.root.parent, storage=url)
    assert [(trial.number, trial.checkpoint is None) for trial in seen.trials] == [
        (0, True), (1, True), (2, False), (3, True),
    ]  # fmt: skip
    assert seen.best is not None
    assert seen.best.value == 0.9


def test_a_trial_that_runs_elsewhere_is_seen_as_far_as_it_was_reported(tmp_path: Path, url: str) -> None:
    a, b = host(tmp_path, "a", url), host(tmp_path, "b", url)
    trial = claim(a, 2, worker_identity())
    assert trial is not None
    trial.suggest_float("x", 0, 1)
    trial.report(0.3, 1)
    (record,) = read_records(b)
    assert (record.state, record.value, list(record.params)) == (State.RUNNING, 0.3, ["x"])


def test_the_baseline_is_measured_once(tmp_path: Path, url: str) -> None:
    a, b = host(tmp_path, "a", url), host(tmp_path, "b", url)
    assert read_baselines(b) == []
    assert publish_baseline(a, TrialRecord("s", -1, State.COMPLETE, value=0.4, checkpoint="/x"))
    assert not publish_baseline(b, TrialRecord("s", -1, State.COMPLETE, value=0.5))
    (found,) = read_baselines(b)
    assert (found.value, found.checkpoint) == (0.4, None)
    assert read_all(b) == [found]


def test_every_base_model_is_measured_once(tmp_path: Path, url: str) -> None:
    a, b = host(tmp_path, "a", url), host(tmp_path, "b", url)
    words = {-1: {}, -2: {BASE: "other"}, -3: {BASE: "another"}}
    for number, facts in reversed(words.items()):
        record = TrialRecord("s", number, State.COMPLETE, value=0.1 * -number, facts=facts)
        archive.write_result(a.paths.of(record.name), record)
        assert publish_baseline(a, record)
        assert not publish_baseline(b, record)
    for study in (a, b):
        assert [record.name for record in read_baselines(study)] == ["baseline", "baseline-other", "baseline-another"]
        assert [record.number for record in read_all(study)] == [-1, -2, -3]


def test_a_command_that_differs_is_refused_in_another_folder(tmp_path: Path, url: str) -> None:
    a, b = host(tmp_path, "a", url), host(tmp_path, "b", url)
    agree(a, DEFINITION)
    agree(b, DEFINITION)
    with pytest.raises(ConfigError, match=r"space\.train\.epochs was choice\(1, 2\), now choice\(1, 5\)"):
        agree(b, replace(DEFINITION, search=Search(space={"train.epochs": "choice(1, 5)"})))


def test_a_live_worker_of_another_host_is_left_alone_and_a_silent_one_is_not(tmp_path: Path, url: str) -> None:
    a = host(tmp_path, "a", url)
    trial = claim(a, 2, "another-host:1:1")
    assert trial is not None
    assert reconcile(a) == []
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        past = "now() - interval '1 hour'" if "postgres" in url else "datetime('now', '-1 hour')"
        connection.execute(sqlalchemy.text(f"UPDATE trial_heartbeats SET heartbeat = {past}"))
    engine.dispose()
    assert reconcile(a) == [trial.number]
    assert states(a)[State.WAITING] == 1


def test_a_silent_worker_of_this_host_lives_while_its_process_does(tmp_path: Path, url: str) -> None:
    a = host(tmp_path, "a", url)
    assert claim(a, 2, worker_identity()) is not None
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE trial_heartbeats SET heartbeat = '2020-01-01 00:00:00'"))
    engine.dispose()
    assert reconcile(a) == []


def test_a_beating_trial_gives_signs_of_life(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    a, beats = host(tmp_path, "a", url), threading.Event()
    trial = claim(a, 1, worker_identity())
    assert trial is not None
    storage: Any = a.storage
    record = type(storage).record_heartbeat
    monkeypatch.setattr("embedtune.study.budget.HEARTBEAT", 0.01)
    monkeypatch.setattr(type(storage), "record_heartbeat", lambda *args: (record(*args), beats.set()))
    with beating(a, trial):
        assert beats.wait(10)


def test_a_trial_that_ended_just_before_its_host_died_counts_as_it_ended(tmp_path: Path, url: str) -> None:
    a, b = host(tmp_path, "a", url), host(tmp_path, "b", url)
    trial = claim(a, 1, "another-host:1:1")
    assert trial is not None
    publish(a, TrialRecord("s", trial.number, State.COMPLETE, value=0.8))
    assert settle(b, trial.number)
    assert b.optuna.trials[0].state == TrialState.COMPLETE
    assert b.optuna.best_value == 0.8


def test_the_password_is_nowhere(tmp_path: Path, postgres: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    study = host(tmp_path, "a", postgres)
    agree(study, DEFINITION)
    run(study, 1, 0.5)
    wrong = postgres.replace("127.0.0.1:5432", "127.0.0.1:1")
    with pytest.raises(StudyError, match=r"study\.storage must be reachable") as caught:
        open_study(StudyPaths(tmp_path / "w"), wrong)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"geheim" in content for content in files)
    assert "geheim" not in f"{caught.value} {caught.value.__cause__} {caplog.text} {study}"


def test_an_unknown_database_is_refused_without_its_password() -> None:
    from embedtune.config.rules import problems

    config = Config()
    config = replace(config, study=replace(config.study, storage="mysql://anna:geheim@db/x"))
    (problem,) = problems(config)
    assert problem.startswith("study.storage must be null, sqlite:///FILE or postgresql+psycopg://")
    assert "geheim" not in problem
