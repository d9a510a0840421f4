"""Take the pictures of the documentation from a real study, in MLflow's own UI.

    python docs/screenshots.py --workspace . --study rights

Starts the UI on a free port, opens each page in headless Chromium, and writes PNGs to ``docs/img``.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedtune.config import TrackingConfig
from embedtune.paths import StudyPaths, Workspace
from embedtune.tracking import Store, links, open_store
from embedtune.tracking.store import connect

logger = logging.getLogger("screenshots")

HOST = "10.0.0.1"
"""Chromium is told that this is 127.0.0.1: on that address itself MLflow opens a chat panel beside the page."""

SERVE = (
    "import sys; from pathlib import Path; from embedtune.config import TrackingConfig; "
    "from embedtune.paths import Workspace; from embedtune.tracking import serve_ui; root = Path(sys.argv[1]); "
    "serve_ui(TrackingConfig(port=int(sys.argv[2]), experiment=sys.argv[3]), "
    "Workspace(root / 'sweeps', root / 'mlruns', root / 'releases'))"
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
    "--hide-scrollbars",
    f"--host-resolver-rules=MAP {HOST} 127.0.0.1",
    "--window-size=1760,1000",
    "--virtual-time-budget=60000",
)


def main() -> None:
    """Parse the command line and take every picture."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    parser = argparse.ArgumentParser(description="Take the pictures of the documentation from a real study.")
    parser.add_argument("--workspace", type=Path, default=Path.cwd(), help="folder with sweeps/ and mlruns/")
    parser.add_argument("--study", help="its name; the newest one unless given")
    parser.add_argument("--experiment", default="embedtune", help="tracking.experiment of the study")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "img", help="folder for the PNGs")
    parser.add_argument("--chromium", default=shutil.which("chromium") or "google-chrome", help="the browser")
    args = parser.parse_args()
    root = args.workspace.resolve()
    workspace = Workspace(root / "sweeps", root / "mlruns", root / "releases")
    config = TrackingConfig(port=free_port(), experiment=args.experiment)
    study = workspace.study(args.study) if args.study else newest(workspace)
    store = open_store(config, workspace)
    args.out.mkdir(parents=True, exist_ok=True)
    with serving(root, config):
        for name, url in pages(store, config, study).items():
            picture = args.out / f"{name}.png"
            shoot(args.chromium, url.replace("//127.0.0.1:", f"//{HOST}:"), picture)
            logger.info("%s: %s", picture, url)


def pages(store: Store, config: TrackingConfig, study: StudyPaths) -> dict[str, str]:
    """The pages worth a picture: the views of a study, its run, and the run of its best trial."""
    found = links(store, config, study.name)
    with connect(store) as gateway:
        study_run, best_run = gateway.find(study.name), gateway.find(f"{study.name}/{best_trial(study)}")
    if study_run is None or best_run is None:
        raise SystemExit(f"{study.name} is not in the store yet. Run: python -m embedtune sync")
    return {
        "leaderboard": found.leaderboard,
        "curves": found.curves,
        "parameters": found.parameters,
        "dimensions": found.dimensions,
        "study": found.run(study_run.info.run_id),
        "trial": found.run(best_run.info.run_id),
    }


def newest(workspace: Workspace) -> StudyPaths:
    """The study that was begun last."""
    studies = workspace.studies()
    if not studies:
        raise SystemExit(f"{workspace.sweeps} holds no study. Run: python -m embedtune -m sweep=optuna")
    return max(studies, key=lambda study: study.definition.stat().st_mtime)


def best_trial(study: StudyPaths) -> str:
    """Name of the complete trial with the largest value."""
    results = [json.loads(trial.result.read_text()) for trial in study.trials() if trial.result.is_file()]
    complete = [result for result in results if result["state"] == "complete"]
    if not complete:
        raise SystemExit(f"{study.root} holds no complete trial yet.")
    return f"{max(complete, key=lambda result: result['value'])['number']:04d}"


@contextmanager
def serving(root: Path, config: TrackingConfig) -> Iterator[None]:
    """Serve the UI while the block runs."""
    origin = {"MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": f"http://{HOST}:{config.port}"}
    command = [sys.executable, "-c", SERVE, str(root), str(config.port), config.experiment]
    server = subprocess.Popen(command, env={**os.environ, **origin}, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{config.port}/health", server)
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Return once the server answers."""
    for _ in range(240):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if server.poll() is not None:
                raise SystemExit("The UI did not start. Try: python -m embedtune ui") from None
            time.sleep(0.5)
    raise SystemExit(f"{url} did not answer within two minutes.")


def shoot(chromium: str, url: str, picture: Path) -> None:
    """Write what a browser that comes for the first time sees once all has loaded."""
    with tempfile.TemporaryDirectory() as profile:
        where = [f"--user-data-dir={profile}", f"--screenshot={picture}"]
        subprocess.run([chromium, *CHROMIUM, *where, url], check=True, timeout=180, stderr=subprocess.DEVNULL)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
