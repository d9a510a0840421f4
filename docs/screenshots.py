"""Take the pictures of the documentation from a real study, in MLflow's own UI.

    python docs/screenshots.py --workspace . --study rights

Starts the UI on a free port, opens each page in headless Chromium, and writes PNGs to ``docs/img``: the saved views,
the runs of the study and of its best trial, and, where there are some, the models, the release and the report.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mlflow import MlflowClient
from serving import free_port, serving_ui

from embedtune import load_study
from embedtune.config import TrackingConfig
from embedtune.paths import StudyPaths, Workspace
from embedtune.tracking import Store, links, open_store
from embedtune.tracking.store import connect
from embedtune.tracking.trial_run import BEST_TABLE

logger = logging.getLogger("screenshots")

HOST = "10.0.0.1"
"""Chromium is told that this is 127.0.0.1: on that address itself MLflow opens a chat panel beside the page."""

MODE = "?workflowType=machine_learning"

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
    "--virtual-time-budget=60000",
    # As with a mouse: without one, every chart shows its toolbar.
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
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
    origin = {"MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": f"http://{HOST}:{config.port}"}
    with serving_ui(root, config.port, f"tracking.experiment={args.experiment}", env={**os.environ, **origin}):
        for page in pages(store, config, study):
            shoot(args.chromium, page, args.out / f"{page.name}.png")
            logger.info("%s: %s", args.out / f"{page.name}.png", page.url)


@dataclass(frozen=True)
class Page:
    """A page worth a picture, and the size of the window in pixels."""

    name: str
    url: str
    height: int = 1000
    width: int = 1760


def pages(store: Store, config: TrackingConfig, study: StudyPaths) -> Iterator[Page]:
    """The views of a study, its run, the run of its best trial, and what was made of them so far."""
    found, best = links(store, config, study.name), load_study(study.name, study.root.parent).best
    if best is None:
        raise SystemExit(f"{study.root} has no trial with a score yet.")
    with connect(store) as gateway:
        study_run, best_run = gateway.find(study.name), gateway.find(f"{study.name}/{best.name}")
    if study_run is None or best_run is None:
        raise SystemExit(f"{study.name} is not in the store yet. Run: python -m embedtune sync")
    yield Page("leaderboard", found.leaderboard, 640)
    yield Page("curves", found.curves)
    yield Page("parameters", found.parameters)
    yield Page("dimensions", found.dimensions)
    yield Page("study", found.run(study_run.info.run_id))
    yield Page("trial", found.run(best_run.info.run_id))
    yield Page("trial-dimensions", found.run(best_run.info.run_id).replace("?", f"/artifacts/{BEST_TABLE}?"))
    yield Page("models", f"{found.root}/#/experiments/{found.experiment_id}/models{MODE}", 480)
    for version in MlflowClient(store.uri, store.uri).search_model_versions(f"run_id = '{best_run.info.run_id}'")[:1]:
        yield Page("release", f"{found.root}/#/models/{quote(version.name)}/versions/{version.version}{MODE}", 480)
    if study.report.is_file():
        yield Page("report", study.report.resolve().as_uri(), 1900, 1280)


def newest(workspace: Workspace) -> StudyPaths:
    """The study that was begun last."""
    studies = workspace.studies()
    if not studies:
        raise SystemExit(f"{workspace.sweeps} holds no study. Run: python -m embedtune -m sweep=optuna")
    return max(studies, key=lambda study: study.definition.stat().st_mtime)


def shoot(chromium: str, page: Page, picture: Path) -> None:
    """Write what a browser that comes for the first time sees once all has loaded."""
    url = page.url.replace("//127.0.0.1:", f"//{HOST}:")
    with tempfile.TemporaryDirectory() as profile:
        where = [f"--window-size={page.width},{page.height}", f"--user-data-dir={profile}", f"--screenshot={picture}"]
        subprocess.run([chromium, *CHROMIUM, *where, url], check=True, timeout=180, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
