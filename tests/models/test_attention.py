"""The kind of attention: chosen, kept out of what is saved, refused where it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer

from embedtune.config import Attention, Dtype, ModelConfig
from embedtune.errors import ModelError
from embedtune.models.attention import encoders, readable_on_cpu
from embedtune.models.load import load_model
from families import family

TEXTS = ["a", "two rows of different length"]


def kind(model: SentenceTransformer) -> str:
    return str(encoders(model)[0].config._attn_implementation)


@pytest.mark.parametrize("name", ["bert", "decoder", "router"])
def test_the_kind_is_taken_and_gives_the_same_embeddings(name: str, tmp_path: Path) -> None:
    folder = str(family(name, {}, tmp_path / "model"))
    usual = load_model(ModelConfig(folder), "cpu")
    eager = load_model(ModelConfig(folder, attention=Attention.eager), "cpu")
    assert (kind(usual), kind(eager)) == ("sdpa", "eager")
    torch.testing.assert_close(eager.encode_document(TEXTS), usual.encode_document(TEXTS), rtol=0, atol=1e-5)
    eager.save(str(tmp_path / "saved"))
    assert kind(SentenceTransformer(str(tmp_path / "saved"), device="cpu")) == "sdpa"


def test_the_tiny_model_has_it_too() -> None:
    assert kind(load_model(ModelConfig("tiny", attention=Attention.eager), "cpu")) == "eager"


@pytest.mark.parametrize(
    ("name", "attention", "dtype", "reason"),
    [
        ("static", Attention.eager, Dtype.fp32, "it has no attention"),
        ("bert", Attention.flash_attention_2, Dtype.fp32, "type model.dtype=bf16 too"),
    ],
)
def test_what_is_not_there_is_refused(
    name: str, attention: Attention, dtype: Dtype, reason: str, tmp_path: Path
) -> None:
    folder = str(family(name, {}, tmp_path / "model"))
    with pytest.raises(ModelError, match=rf"model\.attention must be one .* but got {attention.value} \(.*{reason}"):
        load_model(ModelConfig(folder, attention=attention, dtype=dtype), "cpu")


def test_a_missing_package_is_told(tmp_path: Path) -> None:
    folder = str(family("bert", {}, tmp_path / "model"))
    try:
        import flash_attn  # noqa: F401
    except ImportError:
        with pytest.raises(ModelError, match=r"but got flash_attention_2 \(FlashAttention2"):
            load_model(ModelConfig(folder, attention=Attention.flash_attention_2, dtype=Dtype.bf16), "cpu")


def test_flash_attention_is_put_aside_while_a_model_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel itself is not here: its name alone is set."""
    model = load_model(ModelConfig("tiny"), "cpu")
    (encoder,) = encoders(model)
    chosen: list[str] = []
    monkeypatch.setattr(encoder, "set_attn_implementation", chosen.append)
    with readable_on_cpu(model):
        assert chosen == []
    encoder.config._attn_implementation_internal = "flash_attention_2"
    with readable_on_cpu(model):
        assert chosen == ["sdpa"]
    assert chosen == ["sdpa", "flash_attention_2"]
