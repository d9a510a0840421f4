"""The UI on a store, and the saved views as a browser shows them."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from embedtune.config import TrackingConfig
from embedtune.errors import TrackingError
from embedtune.paths import Workspace
from embedtune.records import State
from embedtune.tracking import Store, deliver_study, deliver_trial, links
from embedtune.tracking.store import is_server, store_uri
from embedtune.tracking.ui import check_servable, ui_command, ui_environment

SERVE = (
    "import sys; from pathlib import Path; from embedtune.config import TrackingConfig; "
    "from embedtune.paths import Workspace; from embedtune.tracking import serve_ui; root = Path(sys.argv[1]); "
    "serve_ui(TrackingConfig(port=int(sys.argv[2])), Workspace(root, root / 'mlruns', root))"
)
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


@contextmanager
def serving(workspace: Workspace) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVE, str(workspace.mlruns.parent), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            wait_until_healthy(port, server)
            yield port, server
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=60)


def wait_until_healthy(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as response:
                assert response.read() == b"OK"
            return
        except OSError:
            assert server.poll() is None
            time.sleep(0.5)
    pytest.fail("the UI did not start")


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


def test_the_ui_is_for_this_machine_only_and_hides_the_address(tmp_path: Path) -> None:
    config = TrackingConfig(uri="postgresql://anna:geheim@db/mlflow", port=5123)
    command = " ".join(ui_command(config, folders(tmp_path)))
    assert "--host 127.0.0.1 --port 5123 --workers 1" in command
    assert "geheim" not in command
    environment = ui_environment(config, folders(tmp_path))
    assert environment["MLFLOW_BACKEND_STORE_URI"] == config.uri
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


@pytest.mark.slow
def test_the_ui_serves_prints_nothing_and_ends_with_its_process(store: Store, workspace: Workspace) -> None:
    with serving(workspace) as (port, server):
        stdout = server.stdout
        assert stdout is not None
        server.send_signal(signal.SIGTERM)
        assert stdout.read() == b""
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
    with serving(workspace) as (port, _):
        page = dom(links(store, TrackingConfig(port=port), study.name).leaderboard, tmp_path)
    ranked = sorted((r for r in records if r.value is not None), key=lambda r: -(r.value or 0))
    places = [page.find(f">{study.name}-{record.name}<") for record in ranked]
    assert -1 not in places
    assert places == sorted(places)
    assert {record.state for record in ranked} >= {State.COMPLETE, State.PRUNED, State.FAIL}
    for text in ("best/map_at_100_dim0256", "embedtune.state", f"{study.name}: leaderboard"):
        assert text in page
