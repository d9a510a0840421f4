"""The type of the weights, from loading to a release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer

from embedtune.config import Config, Dtype, LoraConfig, ModelConfig, Precision, TrainConfig
from embedtune.evaluation import evaluate_retrieval
from embedtune.models.load import load_model
from embedtune.models.probe import probe_model
from embedtune.records import RetrievalSet, TrainingSet
from embedtune.training import Attempt, Listener, train_model
from embedtune.training.feasible import model_problems
from families import family


@pytest.mark.parametrize("name", ["bert", "gemma", "static", "router"])
def test_all_weights_have_it_and_keep_it_in_what_is_saved(name: str, tmp_path: Path) -> None:
    folder = family(name, {}, tmp_path / "model")
    model = load_model(ModelConfig(str(folder), dtype=Dtype.bf16), "cpu")
    assert {own.dtype for own in model.parameters()} == {torch.bfloat16}
    model.save(str(tmp_path / "saved"))
    files = list((tmp_path / "saved").rglob("*.safetensors"))
    assert {value.dtype for file in files for value in load_file(file).values()} == {torch.bfloat16}
    for dtype, expected in ((Dtype.auto, torch.bfloat16), (Dtype.fp32, torch.float32)):
        again = load_model(ModelConfig(str(tmp_path / "saved"), dtype=dtype), "cpu")
        assert {own.dtype for own in again.parameters()} == {expected}


@pytest.mark.parametrize("name", ["bert", "decoder", "gemma", "static"])
def test_training_in_bf16_weights_is_measured_and_released_in_them(
    name: str, tmp_path: Path, small_training: TrainingSet, small_set: RetrievalSet
) -> None:
    folder = family(name, {}, tmp_path / "model")
    config = Config(model=ModelConfig(str(folder), dtype=Dtype.bf16))
    config.train = TrainConfig(batch_size=7, epochs=1, learning_rate=1e-2, precision=Precision.bf16, device="cpu")
    model = load_model(config.model, "cpu")
    probe_model(model, config.model)
    before = [own.clone() for own in model.parameters()]
    train_model(model, [small_training], config, Attempt(tmp_path), Listener(lambda _: None))
    assert {own.dtype for own in model.parameters()} == {torch.bfloat16}
    assert any(not torch.equal(own, old) for own, old in zip(model.parameters(), before, strict=True))
    metrics = evaluate_retrieval(model, small_set, [8]).metrics["8"]
    model.save(str(tmp_path / "saved"))
    released = load_model(ModelConfig(str(tmp_path / "saved"), dtype=Dtype.auto), "cpu")
    assert evaluate_retrieval(released, small_set, [8]).metrics["8"] == metrics
    stock = SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    assert stock.dtype is torch.bfloat16
    assert evaluate_retrieval(stock, small_set, [8]).metrics["8"] == metrics


def test_weights_that_cannot_be_trained_are_refused() -> None:
    config = Config(model=ModelConfig("tiny", dtype=Dtype.fp16), train=TrainConfig(device="cpu"))
    (problem,) = model_problems(load_model(config.model, "cpu"), config)
    assert problem.startswith("model.dtype must be fp32 or bf16 to train tiny, but got fp16 weights (model.dtype=fp16)")
    config = Config(model=ModelConfig("tiny", dtype=Dtype.bf16))
    config.train = TrainConfig(device="cpu", precision=Precision.fp32)
    model = load_model(config.model, "cpu")
    (problem,) = model_problems(model, config)
    assert problem.startswith("train.precision must be bf16 for weights in bf16, but got fp32, which is fp32 on cpu")
    config.train = replace(config.train, precision=Precision.bf16)
    assert list(model_problems(model, config)) == []
    config.train = replace(config.train, lora=LoraConfig())
    (problem,) = model_problems(model, config)
    assert problem.startswith("model.dtype must be fp32 with train=lora, but tiny has bf16 weights")


def test_weights_in_fp16_are_measured(small_set: RetrievalSet) -> None:
    half, usual = (
        evaluate_retrieval(load_model(ModelConfig("tiny", dtype=dtype), "cpu"), small_set, [64]).metrics["64"]
        for dtype in (Dtype.fp16, Dtype.fp32)
    )
    assert half["cosine_map@100"] == pytest.approx(usual["cosine_map@100"], abs=0.05)


def test_a_model_that_reads_very_long_texts_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = ModelConfig(str(family("decoder", {}, tmp_path / "model")))
    model = load_model(config, "cpu")
    probe_model(model, config)
    assert "memory grows" not in caplog.text
    model.max_seq_length = 8192
    probe_model(model, config)
    assert "reads up to 8192 tokens of a text, and memory grows" in caplog.text
    caplog.clear()
    probe_model(model, replace(config, max_seq_length=8192))
    assert "memory grows" not in caplog.text
