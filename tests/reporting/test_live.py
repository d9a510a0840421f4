"""The live view on a recording console, as several workers would drive it."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from embedtune.records import (
    DataSource,
    Evaluation,
    Interruption,
    Objective,
    Search,
    State,
    StudyDefinition,
    TrialRecord,
)
from embedtune.reporting.live import View
from embedtune.training import Progress

DEFINITION = StudyDefinition(
    "s", "sweep", Objective("cosine_map@100", 64), 4, Search(), DataSource("d", "x", {}), {"name": "tiny"}, {}
)


def running(number: int, device: str = "cpu") -> TrialRecord:
    return TrialRecord("s", number, State.RUNNING, {"train.learning_rate": 1e-4}, facts={"device": device})


def complete(number: int, value: float, **facts: Any) -> TrialRecord:
    record = replace(running(number), state=State.COMPLETE, value=value, seconds=20.0)
    return replace(record, facts={**record.facts, "peak_memory_bytes": 640_000_000, **facts})


def at(step: int, memory: int = 0) -> Progress:
    return Progress(step=step, total_steps=10, epoch=1.0, loss=0.5, learning_rate=1e-4, tokens=9, memory=memory)


def evaluation(value: float) -> Evaluation:
    return Evaluation(step=5, epoch=0.5, value=value, metrics={}, seconds=2.0, timestamp=1)


def drive(view: View) -> None:
    with view:
        view.study_began(DEFINITION, [])
        view.began(replace(running(-1), params={}))
        view.ended(complete(-1, 0.6))
        view.began(running(0))
        view.ended(complete(0, 0.71))
        for number in (1, 2):
            view.began(running(number, "cuda:1" if number == 2 else "cpu"))
            view.stepped(number, at(5, 1_500_000_000))
        view.evaluated(2, evaluation(0.74))
        view.fold_ended(7, "1/5", 0.5)  # not a trial of this study


@pytest.fixture
def screen() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)


def test_all_workers_are_in_one_table(screen: Console) -> None:
    drive(View(screen))
    assert isinstance(screen.file, io.StringIO)
    last = screen.file.getvalue().split("s: 4 trials for cosine_map@100")[-1]
    lines = [line.split() for line in last.splitlines() if "trial" in line or "untuned" in line]
    assert lines[0] == ["trial", "state", "cosine_map@100", "epoch", "seconds", "device", "memory"]
    assert lines[1][:4] == ["trial", "1", "running", "-"]
    assert lines[2][:5] == ["trial", "2", "running", "0.7400", "0.5"]
    assert lines[2][-3:] == ["cuda:1", "1.5", "GB"]
    assert lines[3] == ["trial", "0", "complete", "0.7100", "20", "cpu", "640", "MB"]
    assert lines[4][:3] == ["untuned", "complete", "0.6000"]


def test_the_caption_says_how_far_and_how_long(screen: Console) -> None:
    drive(View(screen))
    assert isinstance(screen.file, io.StringIO)
    assert "1 of 4 trials done, best cosine_map@100 0.7100 (trial 0), about" in screen.file.getvalue()


def test_plain_lines_where_there_is_no_terminal() -> None:
    console = Console(file=io.StringIO(), force_terminal=False, width=60)
    drive(View(console))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "study s: 4 trials for cosine_map@100"
    assert lines[2] == "untuned complete, best cosine_map@100 0.6000 in 20 s (cpu, 640 MB)"
    assert "1 of 4 trials done, best cosine_map@100 0.7100 (trial 0), about 1 min 0 s left" in lines
    assert not any("\x1b" in line for line in lines)


def test_an_interrupted_trial_is_not_done() -> None:
    console = Console(file=io.StringIO(), force_terminal=False)
    with View(console) as view:
        view.study_began(DEFINITION, [])
        view.began(running(0))
        view.ended(replace(running(0).broken_off(Interruption.DIED, "its worker died"), seconds=1.0))
    assert isinstance(console.file, io.StringIO)
    assert "trial 0 interrupted" in console.file.getvalue()
    assert "0 of 4 trials done" in console.file.getvalue()
    assert "left" not in console.file.getvalue().splitlines()[-1]


def test_names_are_text_and_not_markup() -> None:
    console = Console(file=io.StringIO(), force_terminal=False)
    with View(console) as view:
        view.study_began(replace(DEFINITION, name="[red]s"), [])
    assert isinstance(console.file, io.StringIO)
    assert "[red]s" in console.file.getvalue()
