"""A model that cannot be padded, read or trained says so before anything depends on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import GPT2Config, GPT2Model, PreTrainedTokenizerFast, RobertaConfig, RobertaModel

from embedtune.config import ModelConfig
from embedtune.errors import ModelError
from embedtune.models.load import load_model
from embedtune.models.probe import probe_model

SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def words(**special: str) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(WordLevel({"<s>": 0, "<pad>": 1, "<unk>": 2, "a": 3}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", **special)


def saved(folder: Path, encoder: Any, tokenizer: Any) -> str:
    base = folder / "base"
    encoder.save_pretrained(base)
    tokenizer.save_pretrained(base)
    transformer = Transformer(str(base))
    model = SentenceTransformer(modules=[transformer, Pooling(transformer.get_embedding_dimension())], device="cpu")
    model.save(str(folder / "model"), create_model_card=False)
    return str(folder / "model")


@pytest.fixture
def roberta(tmp_path: Path) -> str:
    """66 positions, of which two are lost before the first token."""
    config = RobertaConfig(vocab_size=4, max_position_embeddings=66, pad_token_id=1, type_vocab_size=1, **SIZES)
    return saved(tmp_path, RobertaModel(config), words(pad_token="<pad>"))


@pytest.fixture
def gpt2(tmp_path: Path) -> str:
    config = GPT2Config(vocab_size=4, n_positions=64, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0)
    return saved(tmp_path, GPT2Model(config), words(eos_token="<s>"))


def refused(config: ModelConfig) -> str:
    with pytest.raises(ModelError) as raised:
        probe_model(load_model(config, "cpu"), config)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("length", [None, 8])
def test_a_model_that_works_is_left_as_it_was(length: int | None) -> None:
    config = ModelConfig(name="tiny", max_seq_length=length)
    model = load_model(config, "cpu")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(3)
    state, mode = torch.get_rng_state(), model.training
    probe_model(model, config)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training == mode
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.max_seq_length == (length or 64)


def test_a_limit_beyond_the_positions_names_the_one_to_type() -> None:
    said = refused(ModelConfig(name="tiny", max_seq_length=256))
    assert said == (
        "model.max_seq_length must be at most 64 for tiny, which has no positions for more, but got 256. "
        "Type model.max_seq_length=64."
    )


def test_a_limit_of_the_model_itself_may_be_wrong(roberta: str) -> None:
    assert load_model(ModelConfig(name=roberta), "cpu").max_seq_length in (66, None, 512)
    assert refused(ModelConfig(name=roberta)).endswith("Type model.max_seq_length=64.")
    fitting = ModelConfig(name=roberta, max_seq_length=64)
    probe_model(load_model(fitting, "cpu"), fitting)


def test_a_tokenizer_without_a_padding_token_is_named(gpt2: str) -> None:
    assert "whose tokenizer has a padding token, but got" in refused(ModelConfig(name=gpt2))


def test_a_prompt_is_part_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    model, config = load_model(ModelConfig(name="tiny"), "cpu"), ModelConfig(name="tiny")
    prompts: list[Any] = []
    preprocess = model.preprocess
    monkeypatch.setattr(
        model, "preprocess", lambda texts, **more: prompts.append(more["prompt"]) or preprocess(texts, **more)
    )
    model.prompts = {"query": "ask: ", "document": "find: "}
    probe_model(model, config)
    assert list(dict.fromkeys(prompts)) == ["ask: ", "find: "]


def test_a_model_without_gradient_cannot_be_trained() -> None:
    config = ModelConfig(name="tiny")
    model = load_model(config, "cpu").requires_grad_(False)
    with pytest.raises(ModelError, match="must be a model that can be trained"):
        probe_model(model, config)


def test_a_model_that_fails_on_every_text_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ModelConfig(name="tiny")
    model = load_model(config, "cpu")

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("broken within\nand more")

    monkeypatch.setattr(model, "forward", broken)
    with pytest.raises(ModelError, match=r"tiny fails on a short one \(RuntimeError: broken within\)\. Take another"):
        probe_model(model, config)
