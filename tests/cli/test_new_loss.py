"""A further loss takes two places: an entry of the table and a file of conf/loss/."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers.sentence_transformer.losses import MultipleNegativesSymmetricRankingLoss

from embedtune import config
from embedtune.cli import task
from embedtune.config import location
from embedtune.training.losses import LOSSES, Loss

NAME = "mutual"


@pytest.fixture
def new_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "conf"
    shutil.copytree(config.conf_dir(), folder)
    (folder / "loss" / f"{NAME}.yaml").write_text(f"name: {NAME}\nscale: 20.0\nmatryoshka: null\n")
    entry = Loss(NAME, lambda model, own: MultipleNegativesSymmetricRankingLoss(model, scale=own.loss.scale))
    monkeypatch.setitem(LOSSES, NAME, entry)
    for module in (config, location, task):
        monkeypatch.setattr(module, "conf_dir", lambda: folder)
    location.loss_options.cache_clear()
    yield
    location.loss_options.cache_clear()


@pytest.mark.usefixtures("new_loss")
def test_a_new_loss_is_chosen_by_its_name(typed: Callable[..., Any], task_folder: Path) -> None:
    data = ("data=files", f"data.path={task_folder}", "model=tiny")
    answer = typed(f"loss={NAME}", "train.epochs=1", "study.name=s", "tracking.enabled=false", *data)
    assert answer.status == 0, answer.err
    facts = json.loads(next(Path("sweeps/s").glob("trials/*/training.json")).read_text())
    assert facts["losses"] == ["MultipleNegativesSymmetricRankingLoss"]


def test_without_the_file_there_is_no_such_loss(typed: Callable[..., Any]) -> None:
    assert typed(f"loss.name={NAME}", "model=tiny").status == 2
