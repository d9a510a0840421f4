from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from embedtune.config import ModelConfig
from embedtune.errors import ConfigError
from embedtune.models.dimension import known_dimension
from embedtune.release.choice.soup import cook_soup
from embedtune.release.export.product import cut

TEXTS = ["one sentence", "another", "a third"]


@pytest.fixture(scope="module")
def saved(tiny: SentenceTransformer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "a"
    tiny.save(str(folder), create_model_card=False)
    return folder


@pytest.fixture(scope="module")
def shifted(tiny: SentenceTransformer, saved: Path) -> Path:
    """The same model with every weight 2 larger."""
    folder = saved.with_name("b")
    tiny.save(str(folder), create_model_card=False)
    weights = {name: tensor + 2 for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_cut_model_gives_the_first_numbers(saved: Path, tmp_path: Path, tiny: SentenceTransformer) -> None:
    before = (saved / "config_sentence_transformers.json").read_bytes()

    folder = cut(saved, tmp_path / "cut", 16)

    model = SentenceTransformer(str(folder), device="cpu")
    assert model.encode(TEXTS).shape == (3, 16)
    assert (model.encode(TEXTS) == tiny.encode(TEXTS)[:, :16]).all()
    assert (saved / "config_sentence_transformers.json").read_bytes() == before
    assert (folder / "model.safetensors").samefile(saved / "model.safetensors")
    assert known_dimension(ModelConfig(name=str(folder))) == 16


def test_a_soup_is_the_mean_of_the_weights(saved: Path, shifted: Path, tmp_path: Path) -> None:
    folder = cook_soup([saved, shifted, shifted], tmp_path / "soup")

    mean, one = load_file(folder / "model.safetensors"), load_file(saved / "model.safetensors")
    assert mean.keys() == one.keys()
    for name, tensor in one.items():
        assert mean[name].dtype == tensor.dtype
        assert torch.allclose(mean[name], tensor + 4 / 3, atol=1e-6)
    assert SentenceTransformer(str(folder), device="cpu").encode(TEXTS).shape == (3, 64)


def test_a_soup_of_one_model_with_itself_is_that_model(saved: Path, tmp_path: Path) -> None:
    folder = cook_soup([saved, saved], tmp_path / "soup")

    again, one = load_file(folder / "model.safetensors"), load_file(saved / "model.safetensors")
    assert all((again[name] == tensor).all() for name, tensor in one.items())


def test_a_soup_needs_two_models_of_one_architecture(saved: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    save_file({"x": torch.ones(2)}, other / "model.safetensors")

    with pytest.raises(ConfigError, match="at least two candidates that keep weights, but got 1"):
        cook_soup([saved], tmp_path / "soup")
    with pytest.raises(ConfigError, match="one architecture, but their weights differ"):
        cook_soup([saved, other], tmp_path / "soup")
    with pytest.raises(ConfigError, match="one architecture, but their files differ"):
        cook_soup([saved, tmp_path], tmp_path / "soup")
