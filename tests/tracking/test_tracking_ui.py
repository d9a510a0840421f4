"""The UI on a store, and the saved views as a browser shows them."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from serving import free_port, serving_ui

from embedtune.config import TrackingConfig
from embedtune.errors import TrackingError
from embedtune.paths import Workspace
from embedtune.ranking import rank
from embedtune.records import State
from embedtune.tracking import Store, deliver_study, deliver_trial, links
from embedtune.tracking.mlflow_private import server_environment
from embedtune.tracking.place.uri import is_server, store_uri
from embedtune.tracking.ui import HOST, check_servable, serve_ui

CHROMIUM = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=2400,1000",
    "--virtual-time-budget=60000",
    "--dump-dom",
)


def folders(root: Path) -> Workspace:
    return Workspace(root / "sweeps", root / "mlruns", root / "releases")


def dom(url: str, profile: Path) -> str:
    """The page after all has loaded, in a browser that never saw it before."""
    chromium = shutil.which("chromium") or pytest.skip("needs Chromium")
    command = [chromium, *CHROMIUM, f"--user-data-dir={profile}", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=True).stdout


def test_the_ui_needs_a_store(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=r"must be a store with runs in it, but got sqlite:.*Train first"):
        check_servable(TrackingConfig(), folders(tmp_path))
    assert not list(tmp_path.iterdir())


def test_the_ui_does_not_serve_a_server(tmp_path: Path) -> None:
    config = TrackingConfig(uri="http://anna:geheim@host:5000")
    with pytest.raises(TrackingError, match=r"must be a database for `ui`, but got the server http://\*\*\*@host:5000"):
        check_servable(config, folders(tmp_path))
    assert is_server(store_uri(config, folders(tmp_path)))


@pytest.mark.parametrize("port", [None, 70000])
def test_the_ui_needs_a_free_port(store: Store, workspace: Workspace, port: int | None) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = port or taken.getsockname()[1]
        with pytest.raises(TrackingError, match=rf"tracking\.port must be free on 127\.0\.0\.1, but got {number} "):
            check_servable(TrackingConfig(port=number), workspace)


def test_the_ui_needs_a_store_that_mlflow_reads(tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mlflow.db").write_text("no database", encoding="utf-8")
    with pytest.raises(TrackingError, match=r"must be a store that mlflow can read, but got sqlite:.*not a database"):
        serve_ui(TrackingConfig(port=free_port()), folders(tmp_path))


def test_the_ui_is_for_this_machine_only_and_takes_no_jobs(tmp_path: Path) -> None:
    config = TrackingConfig(uri="postgresql://anna:geheim@db/mlflow", port=5123)
    environment = server_environment(config.uri, tmp_path)
    assert HOST == "127.0.0.1"
    assert environment["_MLFLOW_SERVER_FILE_STORE"] == config.uri
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert environment["_MLFLOW_IN_JOB_EXECUTOR"] == "false"


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_ui_serves_says_when_it_is_ready_and_ends_with_its_process(
    store: Store, workspace: Workspace, stop: signal.Signals
) -> None:
    port = free_port()
    with serving_ui(workspace.mlruns.parent, port, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        experiments = f"http://127.0.0.1:{port}/ajax-api/2.0/mlflow/experiments/get?experiment_id={store.experiment_id}"
        with urllib.request.urlopen(experiments, timeout=60) as response:
            assert json.load(response)["experiment"]["name"] == store.experiment
        children = subprocess.run(["pgrep", "-P", str(server.pid)], capture_output=True, check=False).stdout
        assert children == b""
        server.send_signal(stop)
        out, err = server.communicate(timeout=60)
    assert server.returncode == 0
    assert out == b""
    told = err.decode().splitlines()
    assert told[0] == "Starting the MLflow UI ..."
    assert told[1].startswith(f"Ready: open http://127.0.0.1:{port}/#/experiments/{store.experiment_id}/runs?")
    assert len(told) == 2, told
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.browser
def test_the_leaderboard_shows_the_best_trial_first_and_its_columns(
    store: Store, workspace: Workspace, made: Any, tmp_path: Path
) -> None:
    study = workspace.study("browsed.study-1")
    records = made.study(study, made.specs)
    parent = deliver_study(store, study, records)
    for record in records:
        deliver_trial(store, study.trial(record.number), parent_run_id=parent)
    port = free_port()
    with serving_ui(workspace.mlruns.parent, port):
        page = dom(links(store, TrackingConfig(port=port), study.name).leaderboard, tmp_path)
    ranked = rank(records)
    places = [page.find(f">{study.name}-{record.name}<") for record in ranked]
    assert -1 not in places
    assert places == sorted(places)
    assert {record.state for record in ranked} == {State.COMPLETE, State.PRUNED}
    failed = [record for record in records if record.state is State.FAIL]
    assert not [record for record in failed if f">{study.name}-{record.name}<" in page]
    for text in ("best/map_at_100_dim0256", "embedtune.state", f"{study.name}: leaderboard"):
        assert text in page
