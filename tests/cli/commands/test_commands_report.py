"""``report`` on real studies of a tiny model."""

from __future__ import annotations

import html
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedtune.cli.main import main

Typed = Callable[..., Any]
SMALL = ("model=tiny", "train.device=cpu", "train.precision=fp32", "train.epochs=1", "study.name=s")
UNTRACKED = "tracking.enabled=false"


def test_report_of_a_sweep(typed: Typed, task_folder: Path, workdir: Path) -> None:
    search = ("-m", "sweep=optuna", "data=files", f"data.path={task_folder}", *SMALL, "study.n_trials=2")
    swept = typed(*search, "sampler=random", "pruner=patient", "train.warmup_ratio=0.1", UNTRACKED, "format=json")
    assert swept.status == 0, swept.err
    told = typed("report", "format=json")
    assert told.status == 0, told.err
    answer, root = told.json, workdir / "sweeps" / "s"
    assert answer["study"] == "s"
    assert Path(answer["report"]) == root / "report.html"
    assert {Path(plot).name for plot in answer["plots"]} >= {"history.png", "slices.png", "dimensions.png", "cost.png"}
    assert {str(path) for path in (root / "plots").iterdir()} == set(answer["plots"])
    for plot in answer["plots"]:
        assert Path(plot).read_bytes().startswith(b"\x89PNG")
    delivered = {path.name for path in (workdir / "mlruns" / "artifacts").rglob("*.*")}
    assert {"report.html", "history.png"} <= delivered
    best = max(swept.json["trials"], key=lambda entry: entry["value"])
    assert answer["verdict"].startswith(f"Trial {best['number']}")
    assert f"{best['value']:.4f}" in answer["verdict"]
    page = (root / "report.html").read_text(encoding="utf-8")
    assert "30 queries" in page
    shown = typed("report", UNTRACKED)
    assert shown.out.splitlines() == [answer["verdict"], f"Report:  {root / 'report.html'}"]

    # The command on the page means the same study: it goes on with it, and begins it anew elsewhere.
    again = command_on(page)
    assert again[:5] == ["python", "-m", "embedtune", "-m", "sweep=optuna"]
    went_on = typed(*again[3:], UNTRACKED, "format=json")
    assert went_on.status == 0, went_on.err
    assert went_on.json["trials"] == swept.json["trials"]


def test_report_of_single_runs_shows_what_differs(typed: Typed, task_folder: Path, workdir: Path) -> None:
    for rate in ("1e-5", "1e-3"):
        assert main(["data=files", f"data.path={task_folder}", *SMALL, UNTRACKED, f"train.learning_rate={rate}"]) == 0
    told = typed("report", "study.name=s", UNTRACKED, "format=json")
    assert told.status == 0, told.err
    assert "parallel.png" in {Path(plot).name for plot in told.json["plots"]}
    page = (workdir / "sweeps" / "s" / "report.html").read_text(encoding="utf-8")
    assert 'title="train.learning_rate"' in page
    assert 'title="train.epochs"' not in page
    again = command_on(page)
    assert "sweep=optuna" not in again
    assert "train.epochs=1.0" in again or "train.epochs=1" in again


def test_report_takes_back_a_plot_that_is_no_longer_drawn(typed: Typed, task_folder: Path, workdir: Path) -> None:
    assert main(["data=files", f"data.path={task_folder}", *SMALL, UNTRACKED]) == 0
    stale = workdir / "sweeps" / "s" / "plots" / "parallel.png"
    stale.parent.mkdir()
    stale.write_bytes(b"old")
    assert typed("report", UNTRACKED).status == 0
    assert not stale.exists()
    shutil.rmtree(workdir / "sweeps" / "s" / "trials")
    assert typed("report", UNTRACKED).status == 0


@pytest.mark.parametrize("arguments", [("report",), ("report", "study.name=none")])
def test_report_of_no_study(typed: Typed, arguments: tuple[str, ...]) -> None:
    told = typed(*arguments)
    assert told.status == 2
    assert "study.name must" in told.err


def command_on(page: str) -> list[str]:
    """The words of the command that the page says to type."""

    return shlex.split(html.unescape(page.partition("<pre>")[2].partition("</pre>")[0]))
