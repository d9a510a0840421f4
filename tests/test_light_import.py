"""What must stay quick loads nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "sentence_transformers", "datasets", "optuna", "mlflow", "matplotlib")

HELP = """
import runpy
sys.argv = ["embedtune", "--help"]
try:
    runpy.run_module("embedtune", run_name="__main__", alter_sys=True)
except SystemExit as stop:
    assert not stop.code, stop.code
"""


def loaded_by(code: str) -> list[str]:
    """The heavy libraries that ``code`` imports in a fresh interpreter."""
    program = f"import json, sys\n{code}\nprint()\nprint(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "module", ["embedtune", "embedtune.config", "embedtune.records", "embedtune.paths", "embedtune.evaluation"]
)
def test_import_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") == []


def test_the_leaderboard_loads_no_torch() -> None:
    loaded = loaded_by("import embedtune.cli.commands.studies")
    assert not {"torch", "transformers", "mlflow", "matplotlib"} & set(loaded)


def test_help_loads_nothing_heavy() -> None:
    assert loaded_by(HELP) == []


def test_the_check_sees_what_it_forbids() -> None:
    assert loaded_by("import optuna") == ["optuna"]


@pytest.mark.parametrize("module", ["embedtune.cli.main", "embedtune.config", "embedtune.records"])
def test_what_every_command_imports_loads_no_numbers(module: str) -> None:
    assert not loaded_in(module) & {"numpy", "pandas", "pyarrow"}


def loaded_in(module: str) -> set[str]:
    """Every module that importing one loads, in a fresh interpreter."""
    program = f"import json, sys\nimport {module}\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(done.stdout))
