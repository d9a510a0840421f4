"""What a trial's folder says is data: other people's records run no code and read no secret."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from embedtune.config import ModelConfig
from embedtune.models.load import load_model

Typed = Callable[..., Any]
TINY = ("train.device=cpu", "train.precision=fp32", "train.epochs=1", "tracking.enabled=false", "study.name=s")

MODULE = """
from pathlib import Path
from sentence_transformers.sentence_transformer.modules import Normalize

Path({canary!r}).write_text("ran")


class Custom(Normalize):
    pass
"""


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


@pytest.fixture
def custom_model(tmp_path: Path, canary: Path) -> Path:
    """A model folder with a module of its own, which leaves a file when it is run."""
    folder = tmp_path / "custom"
    load_model(ModelConfig(name="tiny"), "cpu").save_pretrained(str(folder), create_model_card=False)
    modules = yaml.safe_load((folder / "modules.json").read_text())
    modules.append({"idx": len(modules), "name": "x", "path": "9_Custom", "type": "custom.Custom"})
    (folder / "modules.json").write_text(str(modules).replace("'", '"'))
    (folder / "9_Custom").mkdir()
    for place in (folder, folder / "9_Custom"):
        (place / "custom.py").write_text(MODULE.format(canary=str(canary)))
    return folder


@pytest.fixture
def trial(typed: Typed, task_folder: Path, workdir: Path) -> Path:
    ran = typed("data=files", f"data.path={task_folder}", "model=tiny", *TINY)
    assert ran.status == 0, ran.err
    return workdir / "sweeps" / "s" / "trials" / "0000"


def record(trial: Path, section: str, **changes: Any) -> None:
    config = yaml.safe_load((trial / "config.yaml").read_text())
    config[section] |= changes
    (trial / "config.yaml").write_text(yaml.safe_dump(config))


@pytest.mark.parametrize("command", ["reproduce", "evaluate", "release"])
def test_a_record_alone_runs_no_code(typed: Typed, trial: Path, custom_model: Path, canary: Path, command: str) -> None:
    record(trial, "model", name=str(custom_model), trust_remote_code=True)
    which = ("study.name=s", "tracking.enabled=false") if command == "release" else (f"run={trial}",)
    refused = typed(command, *which)
    assert refused.status == 2
    assert "model.trust_remote_code must be allowed by this command" in refused.err
    assert "Traceback" not in refused.err
    assert not canary.exists()


def test_code_runs_once_it_is_typed(typed: Typed, trial: Path, custom_model: Path, canary: Path) -> None:
    record(trial, "model", name=str(custom_model), trust_remote_code=True)
    typed("reproduce", f"run={trial}", "model.trust_remote_code=true")
    assert canary.exists()


def test_a_recorded_interpolation_stays_text(
    typed: Typed, trial: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_PLACE", "hunter2-in-the-environment")
    record(trial, "data", path="${oc.env:SECRET_PLACE}")
    refused = typed("reproduce", f"run={trial}")
    assert refused.status == 2
    assert "data.path=${oc.env:SECRET_PLACE}" in refused.err  # shown before it is followed
    shutil.rmtree(workdir / "small task")
    written = [path.read_bytes() for path in workdir.rglob("*") if path.is_file()]
    assert not any(b"hunter2" in text for text in [*written, refused.err.encode(), refused.out.encode()])
