"""Adapters: attached, trained as the stock trainer trains them, saved alone, merged into the weights."""

from __future__ import annotations

import copy
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer

from embedtune.config import Config, LoraConfig, LossConfig, MatryoshkaConfig, ModelConfig, Precision, TrainConfig
from embedtune.errors import ConfigError, ModelError
from embedtune.models.adapters import BASE, adapted_layers, attach, is_adapter, merge
from embedtune.models.load import load_model
from embedtune.paths import TrialPaths
from embedtune.records import TrainingSet
from embedtune.release.choice.soup import cook_soup
from embedtune.release.choice.whole import whole_weights
from embedtune.training import Attempt, Listener, train_model
from embedtune.training.arguments import training_arguments
from embedtune.training.losses import build_loss
from embedtune.training.train import to_dataset
from embedtune.trial.measuring import save_checkpoint
from families import FAMILIES, family
from stock import trained_losses

TEXTS = ["who finds the harbour", "The harbour stands at number 0.", "café №1", ""]
LORA = LoraConfig(r=4, alpha=8, dropout=0.0)
ADAPTABLE = [name for name in FAMILIES if name not in ("static", "router")]


def configured(base: Path, **train: Any) -> Config:
    own = TrainConfig(
        batch_size=7, epochs=1, learning_rate=1e-2, precision=Precision.fp32, device="cpu", lora=LORA, **train
    )
    loss = LossConfig(matryoshka=MatryoshkaConfig(dims=[16, 8]))
    return Config(model=ModelConfig(str(base)), train=own, loss=loss)


def with_adapters(config: Config, seed: int = 0) -> SentenceTransformer:
    """A model whose adapters are trained, so that they change something."""
    assert config.train.lora is not None
    model = load_model(config.model, "cpu")
    attach(model, config.train.lora, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.randn(weight.shape, generator=generator) / 10)
    return model.eval()


def saved(model: SentenceTransformer, config: Config, folder: Path) -> Path:
    trial = TrialPaths(folder)
    folder.mkdir(parents=True)
    save_checkpoint(model, trial, config)
    return trial.checkpoint


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return family("bert", {}, tmp_path_factory.mktemp("base") / "bert")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in ("bert", "decoder") else pytest.mark.slow) for name in ADAPTABLE],
)
def test_merged_equals_unmerged_in_every_family(name: str, tmp_path: Path) -> None:
    config = configured(family(name, {"query": "query: "}, tmp_path / name))
    model = with_adapters(config)
    unmerged, untuned = model.encode_query(TEXTS), load_model(config.model, "cpu").encode_query(TEXTS)
    assert abs(unmerged - untuned).max() > 1e-3, "the adapters change something"
    loaded = load_model(ModelConfig(str(saved(model, config, tmp_path / "trial"))), "cpu")
    assert not any("lora" in key for key in loaded.state_dict())
    assert all(weight.requires_grad for weight in loaded.parameters())
    assert loaded.prompts["query"] == "query: "
    assert abs(loaded.encode_query(TEXTS) - unmerged).max() < 1e-5


def test_only_adapters_are_trained_and_saved(base: Path, tmp_path: Path) -> None:
    config = configured(base)
    model = with_adapters(config)
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert trained
    assert all("lora_" in name for name in trained)
    assert not any("pooler" in name for name in trained)
    folder = saved(model, config, tmp_path / "trial")
    assert is_adapter(folder)
    weights = sum(path.stat().st_size for path in folder.rglob("*.safetensors"))
    assert weights < (base / "model.safetensors").stat().st_size / 3
    assert json.loads((folder / BASE).read_text())["name"] == str(base)


def test_the_same_seed_draws_the_same_adapters(base: Path) -> None:
    config = configured(base)
    state = torch.get_rng_state()
    one, same, other = (with_adapters(config, seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)


def test_the_losses_are_those_of_the_stock_trainer(base: Path, small_training: TrainingSet, tmp_path: Path) -> None:
    config = configured(base, chunks=3)
    rows = small_training.select([*range(30), *range(30), *range(30)])
    theirs = with_adapters(config)
    arguments = training_arguments(config.train, tmp_path / "stock", "cpu", "fp32")
    losses = trained_losses(theirs, arguments, to_dataset([rows]), build_loss(theirs, config))
    found: list[float] = []
    listener = Listener(lambda _: None, lambda progress: found.append(progress.loss or 0.0))
    outcome = train_model(with_adapters(config), [rows], config, Attempt(tmp_path), listener)
    assert outcome.moved
    assert len(found) >= 10
    assert found[:10] == pytest.approx(losses[:10], rel=1e-4)


def test_a_soup_is_the_mean_of_merged_weights(base: Path, tmp_path: Path) -> None:
    config = configured(base)
    folders = [
        whole_weights(
            saved(with_adapters(config, seed), config, tmp_path / f"trial {seed}"), tmp_path / f"whole {seed}"
        )
        for seed in (1, 2)
    ]
    assert not any(is_adapter(folder) for folder in folders)
    soup = load_file(cook_soup(folders, tmp_path / "soup") / "model.safetensors")
    one, other = (load_file(folder / "model.safetensors") for folder in folders)
    assert any(not torch.equal(one[key], other[key]) for key in one)
    for key, weight in soup.items():
        torch.testing.assert_close(weight, (one[key] + other[key]) / 2)


def test_what_is_merged_loads_without_peft(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(base)
    model = with_adapters(config)
    folder = saved(model, config, tmp_path / "trial")
    whole = whole_weights(folder, tmp_path / "whole")
    monkeypatch.setitem(sys.modules, "peft", None)
    loaded = SentenceTransformer(str(whole), device="cpu")
    assert abs(loaded.encode(TEXTS) - model.encode(TEXTS)).max() < 1e-5
    with pytest.raises(ModelError, match=r"pip install 'embedtune\[lora\]'"):
        load_model(ModelConfig(str(folder)), "cpu")


def test_adapters_find_their_base_at_another_place(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(base, tmp_path / "here" / "base")
    monkeypatch.chdir(tmp_path / "here")
    config = configured(Path("base"))
    model = with_adapters(config)
    saved(model, config, tmp_path / "here" / "trial")
    expected = model.encode(TEXTS)
    (tmp_path / "here").rename(tmp_path / "there")
    monkeypatch.chdir(tmp_path / "there")
    assert abs(load_model(ModelConfig("trial/checkpoint"), "cpu").encode(TEXTS) - expected).max() < 1e-5


def test_another_base_of_the_same_name_is_refused(base: Path, tmp_path: Path) -> None:
    shutil.copytree(base, tmp_path / "base")
    config = configured(tmp_path / "base")
    folder = saved(with_adapters(config), config, tmp_path / "trial")
    (tmp_path / "base" / "model.safetensors").write_bytes(
        (family("xlm_r", {}, tmp_path / "other") / "model.safetensors").read_bytes()
    )
    with pytest.raises(ModelError, match="digests differ"):
        load_model(ModelConfig(str(folder)), "cpu")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"name": "tiny"}'])
def test_adapters_that_do_not_say_of_which_model_they_are(base: Path, tmp_path: Path, content: str) -> None:
    config = configured(base)
    folder = saved(with_adapters(config), config, tmp_path / "trial")
    (folder / BASE).write_text(content)
    with pytest.raises(ModelError, match="do not say of which model"):
        load_model(ModelConfig(str(folder)), "cpu")


def test_pickled_adapters_are_refused(base: Path, tmp_path: Path) -> None:
    config = configured(base)
    folder = saved(with_adapters(config), config, tmp_path / "trial")
    (folder / "adapter_model.safetensors").unlink()
    torch.save({}, folder / "adapter_model.bin")
    with pytest.raises(ModelError, match="pickled"):
        load_model(ModelConfig(str(folder)), "cpu")


def test_targets_are_ends_of_names(base: Path) -> None:
    model = load_model(ModelConfig(str(base)), "cpu")
    named = adapted_layers(model, replace(LORA, targets=["query", "layer.1.output.dense"]))
    assert [name.rpartition("layer.")[2] for name in named] == [
        "0.attention.self.query", "1.attention.self.query", "1.output.dense",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match=r"train\.lora\.targets must name linear layers .* but got q_proj\. It has "):
        adapted_layers(model, replace(LORA, targets=["q_proj"]))


@pytest.mark.parametrize("name", ["static", "router"])
def test_a_model_that_does_not_begin_with_a_transformer_takes_none(name: str, tmp_path: Path) -> None:
    model = load_model(ModelConfig(str(family(name, {}, tmp_path / name))), "cpu")
    with pytest.raises(ConfigError, match=r"train\.lora must be null"):
        adapted_layers(model, LORA)


def test_merging_without_adapters_changes_nothing(base: Path) -> None:
    model = load_model(ModelConfig(str(base)), "cpu")
    before = copy.deepcopy(model.state_dict())
    merge(model)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
