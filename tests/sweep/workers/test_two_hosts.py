"""The same command twice, in two folders without a shared file: PostgreSQL for the study, a real MLflow server."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from embedtune.records import RetrievalSet

SERVER = "127.0.0.1:5432"


@pytest.fixture
def database() -> Iterator[str]:
    pytest.importorskip("psycopg")
    name = f"embedtune_{uuid.uuid4().hex}"
    server = sqlalchemy.create_engine(f"postgresql+psycopg://postgres@{SERVER}/postgres", isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    except sqlalchemy.exc.OperationalError:
        pytest.skip("needs PostgreSQL at 127.0.0.1:5432 that trusts postgres")
    yield name
    with server.connect() as connection:
        connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def mlflow_server(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--artifacts-destination", f"{tmp_path}/artifacts",
    ]  # fmt: skip
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    server = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(180):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=2)
                break
            except OSError:
                time.sleep(1)
        else:
            pytest.fail("the server did not start")
        yield address
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def write_task(folder: Path, texts: RetrievalSet) -> None:
    folder.mkdir(parents=True)
    for split in ("training", "val", "test"):
        document = {
            "questions": dict(texts.queries),
            "relevant_contexts": {key: sorted(ids) for key, ids in texts.relevant.items()},
            "corpus": dict(texts.corpus),
        }
        (folder / f"{split}.jsonl").write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.slow
def test_two_folders_share_one_study_to_one_exact_total(
    tmp_path: Path, database: str, mlflow_server: str, small_set: RetrievalSet
) -> None:
    command = [
        sys.executable, "-m", "embedtune", "-m", "sweep=optuna", "model=tiny", "data=files", "data.path=task",
        "study.name=s", "study.n_trials=9", "study.workers=1", "train.epochs=3", "train.device=cpu", "format=json",
        "study.storage='postgresql+psycopg://${oc.env:DB_LOGIN}@" + f"{SERVER}/{database}'",
        f"tracking.uri={mlflow_server}",
    ]  # fmt: skip
    hosts = [tmp_path / name for name in ("a", "b")]
    for host in hosts:
        write_task(host / "task", small_set)
    environment = {**os.environ, "DB_LOGIN": "postgres:geheim"}
    processes = [
        subprocess.Popen(command, cwd=host, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for host in hosts
    ]
    answers = [process.communicate(timeout=900) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    boards = [json.loads(out) for out, _ in answers]
    for board in boards:
        assert sum(board["states"].values()) == 9
        assert board["states"]["running"] == board["states"]["waiting"] == 0
        assert sorted(trial["number"] for trial in board["trials"]) == list(range(9))
    assert [t["value"] for t in boards[0]["trials"]] == [t["value"] for t in boards[1]["trials"]]
    folders = [sorted(path.name for path in (host / "sweeps/s/trials").iterdir()) for host in hosts]
    assert sorted(folders[0] + folders[1]) == [f"{number:04d}" for number in range(9)]
    assert sum((host / "sweeps/s/baseline/result.json").is_file() for host in hosts) == 1
    assert sum(len(list((host / "sweeps/s/checkpoints").iterdir())) for host in hosts) == 3
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/mlflow.db")
    with engine.connect() as store:
        kinds = dict(
            store.execute(
                sqlalchemy.text("select value, count(*) from tags where key = 'embedtune.kind' group by value")
            ).all()
        )
        running = store.execute(sqlalchemy.text("select count(*) from runs where status = 'RUNNING'")).scalar()
    engine.dispose()
    assert kinds == {"study": 1, "baseline": 1, "trial": 9}
    assert running == 0
    shutil.rmtree(tmp_path / "artifacts", ignore_errors=True)
    written = [path for host in hosts for path in host.rglob("*") if path.is_file()]
    assert not [path for path in written if b"geheim" in path.read_bytes()]
    assert not any("geheim" in text for answer in answers for text in answer)


@pytest.mark.slow
def test_another_definition_is_refused_in_a_new_folder(tmp_path: Path, database: str, small_set: RetrievalSet) -> None:
    base = [
        sys.executable, "-m", "embedtune", "-m", "sweep=random", "model=tiny", "data=files", "data.path=task",
        "study.name=s", "study.n_trials=1", "train.device=cpu", "tracking.enabled=false",
        f"study.storage=postgresql+psycopg://postgres@{SERVER}/{database}",
    ]  # fmt: skip
    done = []
    for name, epochs in (("a", "1"), ("b", "2")):
        write_task(tmp_path / name / "task", small_set)
        done.append(
            subprocess.run(
                [*base, f"train.epochs={epochs}"], cwd=tmp_path / name, capture_output=True, text=True, timeout=400,
                check=False,
            )
        )  # fmt: skip
    assert [process.returncode for process in done] == [0, 2], done
    assert "recipe.train.epochs was 1" in done[1].stderr
    assert not (tmp_path / "b/sweeps/s/study.yaml").exists()
