"""A training sees the rows that were asked for, or says how many it does see."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embedtune import load_study


def test_few_distinct_answers_are_trained_on_whole(typed: Callable[..., Any], task_folder: Path) -> None:
    rows = [{"anchor": f"who is number {i}", "positive": f"The answer stands at {i % 5}."} for i in range(120)]
    file = task_folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    answer = typed(
        "model=tiny", "data=files", f"data.path={task_folder}", f"+data.splits.train={file}", "train.batch_size=32",
        "train.batch_sampler=no_duplicates", "train.epochs=1", "study.name=s", "tracking.enabled=false",
    )  # fmt: skip
    assert answer.status == 0, answer.err
    (trial,) = load_study("s", "sweeps").trials
    assert (trial.facts["rows_seen"], trial.facts["rows_asked"], trial.facts["steps"]) == (120, 120, 24)
