from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer

from embedtune.config import ModelConfig
from embedtune.errors import ConfigError, ModelError
from embedtune.models.cross_encoder import load_cross_encoder
from embedtune.models.load import load_model
from embedtune.models.malformed import is_of_files


@pytest.mark.parametrize(
    "error",
    [
        OSError("no file named model.safetensors"),
        ValueError("unrecognized model"),
        KeyError("hidden_size"),
        RecursionError("maximum recursion depth exceeded"),
        SafetensorError("header too large"),
        RuntimeError("Error(s) in loading state_dict for Dense: size mismatch for linear.weight"),
    ],
)
def test_an_error_about_files_is_one(error: Exception) -> None:
    assert is_of_files(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: no kernel image is available for execution on the device"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        NotImplementedError("no such operator"),
        ImportError("sentencepiece is not installed"),
        AssertionError(),
    ],
)
def test_an_error_of_a_device_or_of_a_library_is_not_blamed_on_files(error: Exception) -> None:
    assert not is_of_files(error)


def test_weights_of_another_size_are_one_clear_error(tiny: SentenceTransformer, tmp_path: Path) -> None:
    tiny.save_pretrained(str(tmp_path), create_model_card=False)
    settings = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**settings, "vocab_size": 7, "architectures": ["BertModel"]}))
    with pytest.raises(ModelError, match="must be a model that loads, but got"):
        load_model(ModelConfig(name=str(tmp_path)), "cpu")
    with pytest.raises(ConfigError, match="must be a cross-encoder that loads from safetensors, but got"):
        load_cross_encoder(str(tmp_path), "loss.teacher", "cpu")
