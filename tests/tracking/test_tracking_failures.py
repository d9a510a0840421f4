"""A real MLflow server that is killed or hangs, and several processes that deliver at once."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from embedtune import archive
from embedtune.config import Config, PathsConfig, TrackingConfig
from embedtune.paths import StudyPaths, Workspace
from embedtune.sweep import delivery as delivering
from embedtune.sweep.delivery import Delivery
from embedtune.tracking import Store

SYNC = (
    "import sys; from embedtune.cli.commands.tracking import sync; "
    "from embedtune.config import Config, PathsConfig, TrackingConfig; root = sys.argv[1]; "
    "print(sync(Config(tracking=TrackingConfig(uri=sys.argv[2] or None), "
    "paths=PathsConfig(sweeps=root + '/sweeps', mlruns=root + '/mlruns'))).document)"
)


@dataclass
class Server:
    """A real tracking server on loopback, which can be killed and started again."""

    root: Path
    backend: str = ""
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.backend = self.backend or f"sqlite:///{self.root / 'server.db'}"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        options = {
            "--backend-store-uri": self.backend,
            "--artifacts-destination": (self.root / "artifacts").as_uri(),
            "--host": "127.0.0.1",
            "--port": str(self.port),
            "--workers": "1",
        }
        words = [word for option in options.items() for word in option]
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **self.environment}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *words, "--serve-artifacts", *self.options],
            cwd=self.root,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait()

    def signal(self, number: int) -> None:
        """To the server and its workers."""
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(timeout=30)

    def _wait(self) -> None:
        assert self.process is not None
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                    return
            except OSError:
                assert self.process.poll() is None
                time.sleep(0.5)
        pytest.fail("the server did not start")


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.signal(signal.SIGCONT)
            server.kill()


def config_of(root: Path, uri: str | None) -> Config:
    paths = PathsConfig(sweeps=str(root / "sweeps"), mlruns=str(root / "mlruns"))
    return Config(tracking=TrackingConfig(uri=uri), paths=paths)


def workspace_of(root: Path) -> Workspace:
    return Workspace(root / "sweeps", root / "mlruns", root / "releases")


def make_six(root: Path, made: Any, name: str = "six") -> StudyPaths:
    """A study of six trials in every state, with two kept checkpoints."""
    study = workspace_of(root).study(name)
    made.study(study, made.specs)
    for number in (0, 3):
        made.weights(study, number)
    return study


def sync(root: Path, uri: str | None, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SYNC, str(root), uri or ""]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **(environment or {})}
    )


def expected_points(study: StudyPaths) -> dict[str, int]:
    """Uid -> points its run must have, counted from the folders by hand: 7 of best/*, 2 of train/*, 25 by dimension."""
    best = 1 + 1 + 4 + 4
    found = {}
    for record in archive.read_all(study):
        trained = 0 if record.is_baseline else 2
        evaluations = len(archive.read_evaluations(study.trial(record.number)))
        cost = 5 if record.facts["tokens"] else 4  # no rate without tokens
        found[f"{study.name}/{record.name}"] = evaluations * (best + 25 + trained) + cost
    return found


def stored_points(database: Path) -> dict[str, int]:
    """Uid -> rows in the database; fails where two of them are the same point."""
    query = """select t.value, count(*), count(distinct m.key || '|' || m.step)
        from metrics m join tags t on t.run_uuid = m.run_uuid and t.key = 'embedtune.uid'
        where t.value like '%/%' group by t.value"""
    with closing(sqlite3.connect(database)) as opened:
        rows = list(opened.execute(query))
    assert all(points == distinct for _, points, distinct in rows)
    return {uid: points for uid, points, _ in rows}


def count(database: Path, query: str) -> int:
    with closing(sqlite3.connect(database)) as opened:
        return int(opened.execute(query).fetchone()[0])


def check_whole(database: Path, study: StudyPaths) -> None:
    """Every run, point and model of the study once."""
    assert stored_points(database) == expected_points(study)
    uids = "select {} from tags where key = 'embedtune.uid'"
    assert count(database, uids.format("count(*)")) == count(database, uids.format("count(distinct value)")) == 8
    assert count(database, "select count(*) from runs") == 8
    assert count(database, "select count(*) from logged_models where status = 2") == 2
    assert count(database, "select count(*) from logged_models") == 2
    assert count(database, "select count(*) from inputs where destination_type = 'MODEL_OUTPUT'") == 2


@pytest.mark.slow
def test_a_server_killed_in_the_middle_of_a_study_gets_all_of_it_once(
    tmp_path: Path, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    study = make_six(tmp_path, made)
    records = archive.read_all(study)
    with serving(Server(tmp_path / "server")) as server:
        delivery = Delivery.open(config_of(tmp_path, server.uri), workspace_of(tmp_path), study)
        for record in records[:3]:
            delivery.trial(study.trial(record.number))
        logged = MlflowClient.log_batch
        calls = iter(range(1))

        def log_batch(*arguments: Any, **named: Any) -> Any:
            if next(calls, None) is None:
                threading.Timer(0.01, server.signal, [signal.SIGKILL]).start()  # while the request is on its way
            return logged(*arguments, **named)

        monkeypatch.setattr(MlflowClient, "log_batch", log_batch)
        start = time.monotonic()
        for record in records[3:]:
            delivery.trial(study.trial(record.number))
        delivery.summary()
        assert time.monotonic() - start < 15
        assert server.process is not None
        server.process.wait(timeout=30)
        assert delivery.waiting
        server.start()
        for _ in range(2):
            assert "'six': 7" in sync(tmp_path, server.uri).stdout
        check_whole(server.root / "server.db", study)


def dying(original: Callable[..., Any], writes: Iterator[int]) -> Callable[..., Any]:
    """The same call, which ends the process after it was made once all ``writes`` are used up."""

    def write(*arguments: Any, **named: Any) -> Any:
        answer = original(*arguments, **named)
        if next(writes, None) is None:
            raise KeyboardInterrupt
        return answer

    return write


def deliver_all(delivery: Delivery, study: StudyPaths) -> None:
    for record in archive.read_all(study):
        delivery.trial(study.trial(record.number))


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 3, 9, 14, 19, 24])
def test_a_delivery_cut_after_any_request_is_completed(
    tmp_path: Path, made: Any, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after so many writes; the next one goes on."""
    from mlflow import MlflowClient

    study = make_six(tmp_path, made)
    writes = iter(range(after))
    for name in ("create_run", "log_batch", "set_tag", "log_inputs", "log_outputs", "set_terminated", "log_text"):
        monkeypatch.setattr(MlflowClient, name, dying(getattr(MlflowClient, name), writes))
    delivery = Delivery.open(config_of(tmp_path, None), workspace_of(tmp_path), study)
    with pytest.raises(KeyboardInterrupt):
        deliver_all(delivery, study)
    monkeypatch.undo()
    assert "'six': 7" in sync(tmp_path, None).stdout
    check_whole(tmp_path / "mlruns" / "mlflow.db", study)


@pytest.mark.slow
def test_a_server_that_hangs_costs_seconds_and_then_nothing(
    tmp_path: Path, made: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    study = make_six(tmp_path, made)
    records = archive.read_all(study)
    with serving(Server(tmp_path / "server")) as server:
        delivery = Delivery.open(config_of(tmp_path, server.uri), workspace_of(tmp_path), study)
        delivery.trial(study.baseline)
        server.signal(signal.SIGSTOP)
        start = time.monotonic()
        delivery.trial(study.trial(0))
        first = time.monotonic() - start
        for record in records[2:]:
            delivery.trial(study.trial(record.number))
        delivery.summary()
        assert first < 15
        assert time.monotonic() - start - first < 1
        assert len([line for line in caplog.messages if "Not delivered to tracking" in line]) == 1
        server.signal(signal.SIGCONT)
        delivery.quiet_until = 0.0
        delivery.summary()
        assert not delivery.waiting
        assert "'six': 7" in sync(tmp_path, server.uri).stdout
        check_whole(server.root / "server.db", study)


@pytest.mark.slow
def test_a_store_that_is_down_at_the_start_is_opened_later(tmp_path: Path, made: Any) -> None:
    study = make_six(tmp_path, made)
    server = Server(tmp_path / "server")
    delivery = Delivery.open(config_of(tmp_path, server.uri), workspace_of(tmp_path), study)
    delivery.trial(study.trial(0))
    assert (delivery.store, delivery.waiting) == (None, [study.trial(0)])
    with serving(server):
        delivery.quiet_until = 0.0
        delivery.trial(study.trial(1))
        assert (delivery.waiting, delivery.store is not None) == ([], True)


@pytest.mark.slow
def test_weights_on_a_server_are_uploaded_and_pruned(tmp_path: Path, made: Any) -> None:
    study = make_six(tmp_path, made)
    with serving(Server(tmp_path / "server")) as server:
        assert sync(tmp_path, server.uri).returncode == 0
        kept = list((server.root / "artifacts").rglob("model.safetensors"))
        assert sorted(path.read_bytes()[0] for path in kept) == [0, 3]
        shutil.rmtree(study.checkpoint(0))
        for _ in range(2):
            assert sync(tmp_path, server.uri).returncode == 0
            kept = list((server.root / "artifacts").rglob("model.safetensors"))
            assert [path.read_bytes()[0] for path in kept] == [3]
        check_whole(server.root / "server.db", study)


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_four_processes_deliver_to_one_sqlite_at_once(tmp_path: Path, made: Any, shared: bool) -> None:
    """The same study four times, or four studies whose workspaces share the folder of the artifacts, by a link."""
    names = ["six"] if shared else [f"six-{number}" for number in range(4)]
    roots = [tmp_path] * 4 if shared else [tmp_path / name for name in names]
    studies = [make_six(root, made, name) for root, name in zip(roots, names, strict=False)]
    database = f"sqlite:///{tmp_path / 'shared.db'}"
    (tmp_path / "mlruns").mkdir()
    for root in set(roots) - {tmp_path}:
        (root / "mlruns").symlink_to(tmp_path / "mlruns")
    command = [sys.executable, "-c", SYNC]
    processes = [
        subprocess.Popen([*command, str(root), database], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for root in (roots if shared else [tmp_path / name for name in names])
    ]
    answers = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, answers
    expected: dict[str, int] = {}
    for study in studies:
        expected |= expected_points(study)
    assert stored_points(tmp_path / "shared.db") == expected
    assert count(tmp_path / "shared.db", "select count(*) from runs") == 8 * len(studies)
    assert count(tmp_path / "shared.db", "select count(*) from logged_models") == 2 * len(studies)


def postgres() -> str:
    """A new database; skips without a server or its driver."""
    if importlib.util.find_spec("psycopg2") is None:
        pytest.skip("needs psycopg2, the driver of PostgreSQL that mlflow uses")
    if shutil.which("psql") is None:
        pytest.skip("needs psql")
    name = f"embedtune_test_{os.getpid()}"
    made = psql(f"create database {name}")
    if made.returncode:
        pytest.skip(f"needs PostgreSQL at 127.0.0.1:5432 that trusts postgres: {made.stderr.strip()}")
    return name


def psql(statement: str, database: str = "postgres") -> subprocess.CompletedProcess[str]:
    command = ["psql", "-h", "127.0.0.1", "-U", "postgres", "-d", database, "-At", "-c", statement]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.slow
def test_a_server_with_postgresql_gets_all_of_it_once(tmp_path: Path, made: Any) -> None:
    name = postgres()
    try:
        study = make_six(tmp_path, made)
        with serving(Server(tmp_path / "server", f"postgresql+psycopg2://postgres@127.0.0.1/{name}")) as server:
            for _ in range(2):
                assert "'six': 7" in sync(tmp_path, server.uri).stdout
        trials = "run_uuid in (select run_uuid from tags where key = 'embedtune.uid' and value like '%/%')"
        rows = psql(f"select count(*) from metrics where {trials}", name).stdout
        assert int(rows) == sum(expected_points(study).values())
        assert int(psql("select count(*) from runs", name).stdout) == 8
    finally:
        psql(f"drop database {name} with (force)")


@pytest.mark.slow
def test_a_server_with_passwords_takes_them_from_the_environment(tmp_path: Path, made: Any) -> None:
    if importlib.util.find_spec("flask_wtf") is None:
        pytest.skip("needs mlflow[auth]")
    study = make_six(tmp_path, made)
    environment = {"MLFLOW_AUTH_ADMIN_PASSWORD": "geheim-1234567", "MLFLOW_FLASK_SERVER_SECRET_KEY": "s"}
    server = Server(tmp_path / "server", options=("--app-name", "basic-auth"), environment=environment)
    with serving(server):
        refused = sync(tmp_path, server.uri)
        assert "TrackingError" in refused.stderr
        login = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": "geheim-1234567"}
        done = sync(tmp_path, server.uri, login)
        assert "'six': 7" in done.stdout
        assert "geheim" not in re.sub(r"\s", "", done.stdout + done.stderr)
        check_whole(server.root / "server.db", study)


def test_a_store_that_fails_is_left_alone_for_a_while(
    tmp_path: Path, made: Any, caplog: pytest.LogCaptureFixture
) -> None:
    study = make_six(tmp_path, made)
    delivery = Delivery.open(config_of(tmp_path, "http://127.0.0.1:9"), workspace_of(tmp_path), study)
    assert 0 < delivery.quiet_until - time.monotonic() <= delivering.PAUSE
    delivery.trial(study.trial(1))
    delivery.trial(study.trial(0))
    delivery.trial(study.trial(1))
    delivery.summary()
    assert delivery.waiting == [study.trial(0), study.trial(1)]
    assert len(caplog.messages) == 1


def test_without_tracking_nothing_is_delivered(tmp_path: Path, made: Any) -> None:
    study = make_six(tmp_path, made)
    config = Config(tracking=TrackingConfig(enabled=False))
    delivery = Delivery.open(config, workspace_of(tmp_path), study)
    delivery.trial(study.trial(0))
    delivery.summary()
    assert not (tmp_path / "mlruns").exists()


def test_what_waited_is_delivered_with_the_next_trial(
    store: Store, workspace: Workspace, study: StudyPaths, made: Any
) -> None:
    made.study(study, made.specs)
    made.weights(study, 0)
    config = Config(paths=PathsConfig(sweeps=str(workspace.sweeps), mlruns=str(workspace.mlruns)))
    delivery = Delivery.open(config, workspace, study)
    delivery.quiet_until = time.monotonic() + 600
    delivery.trial(study.trial(0))
    assert not study.trial(0).tracking.exists()
    delivery.quiet_until = 0.0
    delivery.trial(study.trial(1))
    assert (delivery.waiting, study.trial(0).tracking.exists()) == ([], True)


def test_sync_leaves_a_trial_to_the_worker_that_runs_it(tmp_path: Path, made: Any, store: Store) -> None:
    from embedtune.cli.commands.tracking import sync as run_sync
    from embedtune.machine.processes import worker_identity
    from embedtune.records import State

    study = workspace_of(tmp_path).study("mine")
    running, dead = {"worker": worker_identity()}, {"worker": "elsewhere-that-is-no-process"}
    made.study(
        study,
        [
            made.Spec(0),
            made.Spec(1, State.RUNNING, made=1, facts=running),
            made.Spec(2, State.RUNNING, made=1, facts=dead),
        ],
    )
    config = config_of(tmp_path, store.uri)
    config.tracking.experiment = "running"
    answer = run_sync(config)
    assert answer.document == {"delivered": {"mine": 3}, "running": {"mine": 1}, "releases": {}}
    assert answer.parts[0] == "mine: 3 records are in the store, 1 still running"
    assert not study.trial(1).tracking.exists()
    assert study.trial(2).tracking.exists()
