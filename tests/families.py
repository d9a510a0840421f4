"""Tiny random models of the families that people tune, built without any file from outside."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    Router,
    StaticEmbedding,
    Transformer,
)
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    Gemma3TextConfig,
    Gemma3TextModel,
    ModernBertConfig,
    ModernBertModel,
    MPNetConfig,
    MPNetModel,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)


@dataclass(frozen=True)
class Shape:
    """How large an encoder is: a tiny one for tests, a larger one where time is measured."""

    dim: int = 32
    layers: int = 2
    inner: int = 64
    head: int = 8
    length: int = 48


TINY = Shape()
_SPECIAL = ["<pad>", "<unk>", "<s>", "</s>"]
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,:?|-éABCDEFGHIJKLMNOPQRSTUVWXYZ "


def tokenizer() -> Tokenizer:
    """Letter by letter."""
    vocabulary = {token: place for place, token in enumerate([*_SPECIAL, *_LETTERS])}
    found = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    found.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return found


def _fast(side: str, *, begin: bool, types: bool) -> PreTrainedTokenizerFast:
    """As a family has it: padding on one side, with or without a token at the beginning, with or without types."""
    own = tokenizer()
    single = "<s> $A </s>" if begin else "$A </s>"
    own.post_processor = processors.TemplateProcessing(single=single, special_tokens=[("<s>", 2), ("</s>", 3)])
    names = ["input_ids", *(["token_type_ids"] if types else []), "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=own, unk_token="<unk>", pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        padding_side=side, model_input_names=names,
    )  # fmt: skip


_NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def _sizes(shape: Shape) -> dict[str, Any]:
    return {
        "vocab_size": len(_SPECIAL) + len(_LETTERS), "hidden_size": shape.dim, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.dim // shape.head, "intermediate_size": shape.inner,
        "max_position_embeddings": shape.length + 18, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3,
    }  # fmt: skip


def _decoder_sizes(shape: Shape) -> dict[str, Any]:
    return {**_sizes(shape), "num_key_value_heads": 2, "head_dim": shape.head}


def _encoder(
    config: PreTrainedConfig,
    kind: type[PreTrainedModel],
    shape: Shape,
    side: str = "right",
    *,
    begin: bool = True,
    types: bool = False,
) -> Transformer:
    with tempfile.TemporaryDirectory() as folder:
        kind(config).save_pretrained(folder)  # type: ignore[operator]
        _fast(side, begin=begin, types=types).save_pretrained(folder)
        return Transformer(folder, max_seq_length=shape.length)


def bert(shape: Shape) -> list[torch.nn.Module]:
    config = BertConfig(**_sizes(shape), **_NO_DROPOUT)
    return [_encoder(config, BertModel, shape, types=True), Pooling(shape.dim, "cls"), Normalize()]


def xlm_r(shape: Shape) -> list[torch.nn.Module]:
    config = XLMRobertaConfig(**_sizes(shape), **_NO_DROPOUT)
    return [_encoder(config, XLMRobertaModel, shape), Pooling(shape.dim, "mean"), Normalize()]


def mpnet(shape: Shape) -> list[torch.nn.Module]:
    config = MPNetConfig(**_sizes(shape), **_NO_DROPOUT)
    return [_encoder(config, MPNetModel, shape), Pooling(shape.dim, "mean"), Normalize()]


def modern_bert(shape: Shape) -> list[torch.nn.Module]:
    config = ModernBertConfig(
        **_sizes(shape), local_attention=8, global_attn_every_n_layers=2, cls_token_id=2,
        sep_token_id=3,
    )  # fmt: skip
    return [_encoder(config, ModernBertModel, shape), Pooling(shape.dim, "cls")]


def decoder(shape: Shape) -> list[torch.nn.Module]:
    """As Qwen3-Embedding: padding on the left, the last token is the text."""
    config = Qwen3Config(**_decoder_sizes(shape))
    return [_encoder(config, Qwen3Model, shape, "left", begin=False), Pooling(shape.dim, "lasttoken"), Normalize()]


def decoder_without_prompt(shape: Shape) -> list[torch.nn.Module]:
    """The prompt is left out of the mean."""
    config = Qwen3Config(**_decoder_sizes(shape))
    return [_encoder(config, Qwen3Model, shape), Pooling(shape.dim, "mean", include_prompt=False), Normalize()]


def t5(shape: Shape) -> list[torch.nn.Module]:
    config = T5Config(
        vocab_size=len(_SPECIAL) + len(_LETTERS), d_model=shape.dim, d_kv=shape.head, d_ff=shape.inner,
        num_layers=shape.layers, num_heads=shape.dim // shape.head, dropout_rate=0.0, pad_token_id=0, eos_token_id=3,
    )  # fmt: skip
    return [_encoder(config, T5EncoderModel, shape, begin=False), Pooling(shape.dim, "mean"), Normalize()]


def gemma(shape: Shape) -> list[torch.nn.Module]:
    """As EmbeddingGemma: attention in both directions, two dense heads."""
    config = Gemma3TextConfig(
        **_decoder_sizes(shape), sliding_window=8, use_bidirectional_attention=True,
        layer_types=[("sliding_attention", "full_attention")[layer % 2] for layer in range(shape.layers)],
    )  # fmt: skip
    heads = [Dense(shape.dim, 2 * shape.dim, bias=False, activation_function=torch.nn.Identity())]
    heads += [Dense(2 * shape.dim, shape.dim, bias=False, activation_function=torch.nn.Identity())]
    return [_encoder(config, Gemma3TextModel, shape), Pooling(shape.dim, "mean"), *heads, Normalize()]


def static(shape: Shape) -> list[torch.nn.Module]:
    return [StaticEmbedding(tokenizer(), embedding_dim=shape.dim)]


def dense(shape: Shape) -> list[torch.nn.Module]:
    return [*bert(shape)[:2], Dense(shape.dim, shape.dim // 2), Normalize()]


def router(shape: Shape) -> list[torch.nn.Module]:
    """Queries by a table of words, documents by an encoder."""
    return [Router.for_query_document([*static(shape), Normalize()], bert(shape))]


FAMILIES: Mapping[str, Callable[[Shape], list[torch.nn.Module]]] = {
    own.__name__: own
    for own in (bert, xlm_r, mpnet, modern_bert, decoder, decoder_without_prompt, t5, gemma, static, dense, router)
}


def cross_encoder(folder: Path, scores: int = 1) -> Path:
    """A saved random cross-encoder that gives that many scores a pair."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = BertForSequenceClassification(BertConfig(**_sizes(Shape(length=494)), num_labels=scores))
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    own = tokenizer()
    own.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=[("<s>", 2), ("</s>", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=own, unk_token="<unk>", pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        sep_token="</s>", cls_token="<s>", model_max_length=128,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def family(name: str, prompts: Mapping[str, str], folder: Path, shape: Shape = TINY) -> Path:
    """A saved model of a family, the same at every call.

    Args:
        name: One of ``FAMILIES``.
        prompts: Saved with it.
        folder: Is made.
        shape: How large.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = SentenceTransformer(modules=FAMILIES[name](shape), device="cpu", prompts=dict(prompts))
    model.save(str(folder))
    return folder
