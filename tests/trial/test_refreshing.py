"""Negatives that are mined again while a trial trains, also in one that was killed within."""

from __future__ import annotations

import json
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from embedtune import archive
from embedtune.config import (
    Average,
    Config,
    LoraConfig,
    LossConfig,
    ModelConfig,
    NegativesConfig,
    Precision,
    TrainConfig,
)
from embedtune.errors import ResumeError
from embedtune.models.load import load_model
from embedtune.paths import StudyPaths, TrialPaths
from embedtune.records import Objective, RetrievalSet, State, TaskData, TrainingSet, TrialRecord
from embedtune.training import Mined, Progress, Refresh
from embedtune.training.negatives import Refreshing
from embedtune.trial import prepared, resume
from embedtune.trial.bench import Bench
from embedtune.trial.run import run_trial
from embedtune.trial.watching import Hooks, Silent


class Killed(BaseException):
    """Stands in for SIGKILL."""


class Killer(Silent):
    def __init__(self, step: int) -> None:
        self.step = step

    def stepped(self, number: int, progress: Progress) -> None:
        if progress.step > self.step:
            raise Killed


@pytest.fixture(scope="module")
def bench(small_set: RetrievalSet, small_training: TrainingSet) -> Bench:
    task = TaskData("small", "made here", (small_training,), {"validation": small_set}, {"validation": "v"})
    return Bench(task, load_model(ModelConfig(name="tiny"), "cpu"), 64, Objective("cosine_map@100", 64))


def configured(refresh: int | None = 1, **train: Any) -> Config:
    """Four steps an epoch, evaluated after every second one."""
    negatives = NegativesConfig(count=2, margin=None, refresh=refresh)
    options = {"batch_size": 8, "epochs": 3, "learning_rate": 3e-3, "precision": Precision.fp32, "device": "cpu"}
    loss = LossConfig(mask_false_negatives=True)
    config = Config(
        model=ModelConfig(name="tiny"), train=TrainConfig(**options, negatives=negatives, **train), loss=loss
    )
    config.eval.every = 2
    return config


def run(bench: Bench, config: Config, trial: TrialPaths, watcher: Any = None) -> TrialRecord:
    record = TrialRecord("s", int(trial.root.name), State.RUNNING)
    return run_trial(config, bench, trial, record, Hooks(watcher or Silent()), resumable=True)


@pytest.fixture
def mined(monkeypatch: pytest.MonkeyPatch) -> list[list[Mined]]:
    """What every mining gave."""
    found: list[list[Mined]] = []
    real = prepared.mine

    def noting(*arguments: Any) -> list[Mined]:
        found.append(real(*arguments))
        return found[-1]

    monkeypatch.setattr(prepared, "mine", noting)
    return found


def outcome(trial: TrialPaths) -> tuple[list[Any], dict[str, torch.Tensor]]:
    measured = [replace(own, seconds=0.0, timestamp=0) for own in archive.read_evaluations(trial)]
    return measured, load_file(next(trial.checkpoint.glob("*.safetensors")))


def same(one: TrialPaths, other: TrialPaths) -> bool:
    (measured, weights), (again, others) = outcome(one), outcome(other)
    return measured == again and all(torch.equal(weights[name], others[name]) for name in weights)


def test_they_are_mined_with_the_model_as_it_is(bench: Bench, tmp_path: Path, mined: list[list[Mined]]) -> None:
    study = StudyPaths(tmp_path / "s")
    record = run(bench, configured(), study.trial(0))
    assert record.state == State.COMPLETE, record.reason
    assert len(mined) == 3, "before the first epoch, the second and the third"
    assert mined[0] != mined[1]
    assert record.facts["negatives"]["refreshed"] == 2
    assert record.negatives == (
        "2 a row, ranked by tiny, from rank 0 to 100, mined again 2 times with the model being trained"
    )
    later = run(bench, configured(refresh=2), study.trial(1))
    assert later.facts["negatives"]["refreshed"] == 1
    assert len(mined) == 4, "the first are those of the study"
    losses = [[own.loss for own in archive.read_evaluations(study.trial(number))] for number in range(2)]
    assert losses[0][:2] == losses[1][:2]
    assert losses[0][2:4] != losses[1][2:4]


@pytest.fixture(scope="module")
def whole(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> TrialPaths:
    trial = StudyPaths(tmp_path_factory.mktemp("whole")).trial(0)
    run(bench, configured(), trial)
    return trial


def killed_and_continued(bench: Bench, config: Config, study: StudyPaths, step: int) -> TrialPaths:
    with suppress(Killed):
        run(bench, config, study.trial(1), Killer(step))
    saved = json.loads((study.trial(1).resume / f"{step:08d}" / "negatives.json").read_text())
    assert bool(saved) == (step > 4)
    resume.take_over([study.trial(1)], study.trial(2))
    assert run(bench, config, study.trial(2)).facts["resumed_from"] == step
    return study.trial(2)


@pytest.mark.parametrize("step", [4, 6], ids=["between epochs", "within one"])
def test_a_killed_trial_ends_as_one_never_killed(bench: Bench, whole: TrialPaths, tmp_path: Path, step: int) -> None:
    assert same(killed_and_continued(bench, configured(), StudyPaths(tmp_path / "s"), step), whole)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Could not find a config file")
@pytest.mark.parametrize("more", [{"lora": LoraConfig(r=2)}, {"average": Average.tail}], ids=["adapters", "average"])
def test_so_does_one_with(bench: Bench, tmp_path: Path, more: dict[str, Any]) -> None:
    if "lora" in more:
        pytest.importorskip("peft")
    study = StudyPaths(tmp_path / "s")
    run(bench, configured(**more), study.trial(0))
    assert same(killed_and_continued(bench, configured(**more), study, 8), study.trial(0))


@pytest.mark.parametrize("damage", [None, "", "[", "7", "[[]]", '[["a"]]', "{}x"])
def test_negatives_that_cannot_be_read_are_refused(bench: Bench, tmp_path: Path, damage: str | None) -> None:
    if damage is not None:
        (tmp_path / "negatives.json").write_text(damage)
    refresh = Refresh(1, bench.task.training, lambda *_: [])
    with pytest.raises(ResumeError, match="its negatives"):
        Refreshing(refresh, bench.model, nullcontext, ()).restore(tmp_path)


def test_none_is_of_an_evaluation_split_or_answers_the_query(
    bench: Bench, tmp_path: Path, mined: list[list[Mined]]
) -> None:
    training = bench.task.training[0]
    anchors, positives = training.columns["anchor"], training.columns["positive"]
    # The first query's second answer is known from a split alone, which has a passage of its own as well.
    judged = RetrievalSet({"q": anchors[0]}, {"a": positives[1], "b": "unseen"}, {"q": frozenset("ab")})
    task = replace(bench.task, splits={**bench.task.splits, "test": judged})
    run(replace(bench, task=task), configured(), StudyPaths(tmp_path / "s").trial(0))
    assert len(mined) == 3
    for found in mined:
        (own,) = found
        assert {text for row in own.rows for text in row} <= set(positives)
        assert positives[1] not in own.rows[0]
        assert all(positive not in row for positive, row in zip(positives, own.rows, strict=True))
