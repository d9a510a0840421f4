"""A short torture; benchmarks/torture.py has the long form."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "torture.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("torture", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "torture", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_nothing_is_lost_whatever_dies(script: ModuleType, tmp_path: Path) -> None:
    summary, found = script.torture(tmp_path / "t", kills=8, workers=2, trials=3, polite=2, seed=1, again=2)
    assert found == [], summary
    assert summary.startswith("10 interruptions")
