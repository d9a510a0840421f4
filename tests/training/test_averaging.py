"""The mean of the weights over the end of a training."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from embedtune.config import Average, Config, LoraConfig, ModelConfig, Precision, TrainConfig
from embedtune.models.adapters import attach
from embedtune.models.load import load_model
from embedtune.records import TrainingSet
from embedtune.training import Attempt, Listener, Progress, TrainingState, read_state, train_model
from embedtune.training.averaging import HORIZON

Weights = dict[str, torch.Tensor]


def configured(average: Average, lora: LoraConfig | None = None) -> Config:
    train = TrainConfig(
        batch_size=5, epochs=2, learning_rate=1e-2, precision=Precision.fp32, device="cpu", average=average, lora=lora
    )
    return Config(model=ModelConfig("tiny"), train=train)


def run(
    config: Config, rows: TrainingSet, folder: Path, resumed: TrainingState | None = None
) -> tuple[list[Weights], list[tuple[Progress, Weights]]]:
    """The weights after each step, and those at each evaluation."""
    model = load_model(config.model, "cpu")
    if config.train.lora is not None:
        attach(model, config.train.lora, 0)
    steps: list[Weights] = []
    evaluations: list[tuple[Progress, Weights]] = []

    def weights(own: SentenceTransformer) -> Weights:
        return {name: weight.detach().clone() for name, weight in own.named_parameters() if weight.requires_grad}

    def save(write: Callable[[Path], None]) -> None:
        place = folder / str(evaluations[-1][0].step)
        place.mkdir(parents=True, exist_ok=True)
        write(place)

    listener = Listener(
        lambda progress: evaluations.append((progress, weights(model))), lambda _: steps.append(weights(model)), save
    )
    train_model(model, [rows], config, Attempt(folder, resumed=resumed), listener)
    return steps, evaluations


def test_none_evaluates_the_steps_alone(small_training: TrainingSet, tmp_path: Path) -> None:
    _, evaluations = run(configured(Average.none), small_training, tmp_path)
    assert [(own.step, own.averaged) for own, _ in evaluations] == [(6, False), (12, False)]


@pytest.mark.parametrize("lora", [None, LoraConfig(r=2)], ids=["whole", "lora"])
@pytest.mark.parametrize("average", [Average.tail, Average.ema])
def test_the_mean_is_one_more_point_after_the_last_step(
    small_training: TrainingSet, tmp_path: Path, average: Average, lora: LoraConfig | None
) -> None:
    steps, evaluations = run(configured(average, lora), small_training, tmp_path)
    assert [(own.step, own.averaged) for own, _ in evaluations] == [(6, False), (12, False), (13, True)]
    if average is Average.tail:
        taken, shares = steps[-3:], [1 / 3] * 3
    else:
        decay = 1 - 1 / max(1.0, HORIZON * 12)
        weighed = [decay ** (11 - place) for place in range(12)]
        taken, shares = steps, [own / sum(weighed) for own in weighed]
    for name, mean in evaluations[-1][1].items():
        expected = sum(share * own[name].double() for share, own in zip(shares, taken, strict=True))
        torch.testing.assert_close(mean.double(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("average", [Average.tail, Average.ema])
def test_a_training_that_goes_on_has_the_same_mean(
    small_training: TrainingSet, tmp_path: Path, average: Average
) -> None:
    config = configured(average)
    config.eval.every = 5
    _, whole = run(config, small_training, tmp_path)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    _, again = run(config, small_training, tmp_path, read_state(tmp_path / "10"))
    assert [own for own, _ in again] == [own for own, _ in whole[2:]]
    assert all(torch.equal(again[-1][1][name], mean) for name, mean in whole[-1][1].items())
