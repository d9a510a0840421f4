"""Activations computed twice give the training that keeps them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from embedtune.config import Config, LossConfig, ModelConfig, Precision, TrainConfig
from embedtune.errors import ConfigError
from embedtune.models.load import load_model
from embedtune.records import TrainingSet
from embedtune.training import Attempt, Listener, smaller_mini_batch, train_model
from embedtune.training.checkpointing import can_checkpoint, checkpointed
from embedtune.training.feasible import model_problems
from families import family

TRAIN = TrainConfig(
    batch_size=7, epochs=1, learning_rate=1e-3, precision=Precision.fp32, device="cpu", gradient_checkpointing=True
)


def losses(folder: Path, rows: TrainingSet, train: TrainConfig, tmp_path: Path) -> list[float]:
    config = Config(model=ModelConfig(str(folder)), train=train, loss=LossConfig(matryoshka=None))
    config.eval.every = 2
    model, found = load_model(config.model, "cpu"), []
    evaluate = lambda _: model.encode(["an evaluation within"])  # noqa: E731
    train_model(model, [rows], config, Attempt(tmp_path), Listener(evaluate, lambda own: found.append(own.loss or 0.0)))
    assert not any(getattr(module, "gradient_checkpointing", False) for module in model.modules())
    return found


@pytest.mark.parametrize("name", ["bert", "decoder", "gemma", "t5"])
def test_the_losses_are_those_of_a_training_that_keeps_activations(
    name: str, small_training: TrainingSet, tmp_path: Path
) -> None:
    folder = family(name, {}, tmp_path / "model")
    twice = losses(folder, small_training, TRAIN, tmp_path)
    once = losses(folder, small_training, replace(TRAIN, gradient_checkpointing=False), tmp_path)
    assert twice == pytest.approx(once, rel=1e-5)


def test_layers_run_twice_inside_the_block_alone(tmp_path: Path) -> None:
    model = load_model(ModelConfig(str(family("bert", {}, tmp_path / "model"))), "cpu").train()
    layer = model[0].auto_model.encoder.layer[0]
    calls: list[Any] = []
    layer.attention.register_forward_hook(lambda *_: calls.append(1))

    def step() -> int:
        calls.clear()
        model(model.preprocess(["a", "two rows"]))["sentence_embedding"].sum().backward()
        return len(calls)

    with checkpointed(model):
        assert step() == 2
        with torch.inference_mode():
            model.encode(["a"])
    assert step() == 1


def test_a_model_without_layers_is_refused(tmp_path: Path, small_training: TrainingSet) -> None:
    folder = family("static", {}, tmp_path / "model")
    config = Config(model=ModelConfig(str(folder)), train=TRAIN)
    model = load_model(config.model, "cpu")
    assert not can_checkpoint(model)
    (problem,) = model_problems(model, config)
    assert problem.startswith("train.gradient_checkpointing must be false for ")
    with pytest.raises(ConfigError, match=r"train\.gradient_checkpointing must be false"):
        train_model(model, [small_training], config, Attempt(tmp_path), Listener(lambda _: None))


def test_gemma_is_refused_in_fp16(tmp_path: Path) -> None:
    config = Config(model=ModelConfig(str(family("gemma", {}, tmp_path / "model"))))
    config.train.precision = Precision.fp16
    (problem,) = model_problems(load_model(config.model, "cpu"), config)
    assert "gemma3_text" in problem
    assert "overflow fp16" in problem


def test_a_batch_that_does_not_fit_has_no_cached_form_left() -> None:
    assert smaller_mini_batch(Config(train=TRAIN), None) is None
    assert smaller_mini_batch(Config(train=replace(TRAIN, gradient_checkpointing=False)), None) == 3
