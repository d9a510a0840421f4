"""A study on a device that breaks: an error of the same type and text is raised where the CPU would not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from embedtune.api import load_study
from embedtune.trial import run as trial_module

ASSERT = "CUDA error: device-side assert triggered"
LOST = getattr(torch, "AcceleratorError", RuntimeError)


def sweep(typed: Callable[..., Any], folder: Path) -> Any:
    return typed(
        "-m", "sweep=random", "model=tiny", "data=files", f"data.path={folder}", "study.name=s", "study.n_trials=2",
        "train.epochs=1", "train.device=cpu", "tracking.enabled=false", "format=json",
    )  # fmt: skip


def test_one_loss_is_made_good_and_the_second_fails_the_trial(
    typed: Callable[..., Any], task_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, calls = trial_module.train_model, []

    def broken(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) in (1, 3, 4):  # trial 0 once; trial 2 with its retry
            raise LOST(ASSERT)
        return train(*args, **kwargs)

    monkeypatch.setattr(trial_module, "train_model", broken)
    first = sweep(typed, task_folder)
    assert first.status == 1
    assert ASSERT in first.err
    second = sweep(typed, task_folder)
    assert second.status == 1
    third = sweep(typed, task_folder)
    assert third.status == 1
    fourth = sweep(typed, task_folder)
    assert fourth.status == 0
    assert fourth.json["states"] == {"complete": 1, "pruned": 0, "fail": 1, "running": 0, "waiting": 0}
    failed = [trial for trial in load_study("s", "sweeps").trials if trial.value is None]
    assert [trial.reason for trial in failed] == [f"{LOST.__name__}: {ASSERT} (2 times in a row)"]
