"""Prompts of one training set, read as the library reads ``prompts=`` by set and column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.data_collator import SentenceTransformerDataCollator

from embedtune.config import Config, LossConfig, MatryoshkaConfig, ModelConfig, Precision, PromptsConfig, TrainConfig
from embedtune.data.digest import training_digest
from embedtune.models.load import load_model
from embedtune.records import TrainingSet
from embedtune.training import Attempt, Listener, train_model
from embedtune.training.arguments import training_arguments
from embedtune.training.collate import column_prompts, token_collator
from embedtune.training.losses import build_loss
from embedtune.training.train import to_dataset
from families import family
from stock import trained_losses

ASK = {"query": "ask: "}

FAQ = TrainingSet(
    "faq", {"anchor": ("who asks", "what now"), "positive": ("a person", "nothing")}, (), {"query": "ask: "}
)


def model() -> SentenceTransformer:
    return load_model(ModelConfig("tiny", prompts=PromptsConfig(document="text: ")), "cpu")


def test_a_batch_of_each_set_is_the_librarys_own(small_training: TrainingSet) -> None:
    tiny = model()
    training = (small_training, FAQ)
    prompts = column_prompts(tiny, training)
    assert prompts == {
        "small": {"anchor": "", "positive": "text: "}, "faq": {"anchor": "ask: ", "positive": "text: "},
    }  # fmt: skip
    ours = token_collator(tiny, training)
    assert ours is not None
    theirs = SentenceTransformerDataCollator(tiny.preprocess, prompts=prompts)
    for part in training:
        rows = [{name: texts[row] for name, texts in part.columns.items()} for row in (0, 1)]
        named = [{"dataset_name": part.name, **row} for row in rows]
        expected, found = theirs(named), ours(named)
        for key in ("anchor_input_ids", "anchor_attention_mask", "positive_input_ids"):
            assert torch.equal(found[key], expected[key]), (part.name, key)


def test_sets_without_prompts_and_a_lone_set_need_no_names(small_training: TrainingSet) -> None:
    assert column_prompts(model(), (small_training,)) == {"anchor": "", "positive": "text: "}
    assert column_prompts(model(), (FAQ,)) == {"anchor": "ask: ", "positive": "text: "}
    none = replace(FAQ, prompts={})
    assert training_digest((small_training, none)) == training_digest((none, small_training))
    assert training_digest((FAQ,)) != training_digest((none,))
    assert FAQ.select([1]).prompts == FAQ.prompts


@pytest.mark.parametrize("dims", [[], [16, 8]], ids=["plain", "nested"])
def test_first_losses_are_the_stock_trainers(small_training: TrainingSet, tmp_path: Path, dims: list[int]) -> None:
    config = Config(
        train=TrainConfig(batch_size=2, epochs=1, learning_rate=1e-3, precision=Precision.fp32, device="cpu"),
        loss=LossConfig(matryoshka=MatryoshkaConfig(dims=dims) if dims else None),
    )
    training = (
        small_training.select(range(10)),
        replace(small_training.select(range(10, 20)), name="faq", prompts=ASK),
    )
    base = ModelConfig(str(family("bert", {}, tmp_path / "model")), prompts=PromptsConfig(document="text: "))
    ours, theirs = load_model(base, "cpu"), load_model(base, "cpu")
    losses: list[float] = []
    listener = Listener(lambda _: None, lambda progress: losses.append(progress.loss or 0.0))
    train_model(ours, training, config, Attempt(tmp_path), listener)
    arguments = training_arguments(config.train, tmp_path / "stock", "cpu", "fp32")
    arguments.prompts = column_prompts(theirs, training)
    expected = trained_losses(theirs, arguments, to_dataset(training), build_loss(theirs, config))
    assert len(losses) == len(expected) == 10
    assert losses == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_set_with_other_prompts_trains_to_other_weights(small_training: TrainingSet, tmp_path: Path) -> None:
    config = Config(
        train=TrainConfig(batch_size=2, epochs=1, learning_rate=1e-2, precision=Precision.fp32, device="cpu")
    )
    found = []
    for part in (FAQ, replace(FAQ, prompts={}), FAQ):
        tiny = model()
        listener = Listener(lambda _: None, lambda _: None, lambda _: None)
        train_model(tiny, (small_training.select(range(4)), part), config, Attempt(tmp_path), listener)
        assert tiny.prompts["query"] == "", "in training alone"
        found.append(torch.cat([weights.detach().flatten() for weights in tiny.parameters()]))
    assert torch.equal(found[0], found[2])
    assert not torch.allclose(found[0], found[1], atol=1e-5)
