"""A model that does not fit is refused before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("command", [(), ("evaluate",), ("-m", "sweep=random", "study.n_trials=1")], ids=str)
def test_a_limit_beyond_the_positions_ends_with_status_2(
    typed: Callable[..., Any], task_folder: Path, command: tuple[str, ...]
) -> None:
    answer = typed(*command, "model=tiny", "model.max_seq_length=256", "data=files", f"data.path={task_folder}")
    assert answer.status == 2, answer.err
    assert "Type model.max_seq_length=64." in answer.err
    assert "Traceback" not in answer.err
    assert not list(Path("sweeps").glob("*/trials"))
    assert not Path("mlruns/mlflow.db").exists()
