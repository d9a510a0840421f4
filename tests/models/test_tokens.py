"""Texts are tokenised once, and a model reads from them what it would read by itself."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer

from embedtune.config import ModelConfig
from embedtune.models.encoder import TokenEncoder
from embedtune.models.load import load_model
from embedtune.models.token_cache import Role, TokenCache
from embedtune.models.tokens import Features, prompt_of, read_tokens, say_once
from families import family

TEXTS = ["a", "", "a longer text", "café №7", "line one\u2028line two", "x " * 500, "a"]


@pytest.fixture
def model() -> SentenceTransformer:
    return load_model(ModelConfig(name="tiny"), "cpu").eval()


@pytest.fixture
def cache() -> TokenCache:
    return TokenCache()


def counted(model: SentenceTransformer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text the model's own tokenizer is given, from now on."""
    seen: list[str] = []
    preprocess = model.preprocess

    def watch(texts: list[str], **kwargs: Any) -> Features:
        seen.extend(texts)
        return dict(preprocess(texts, **kwargs))

    monkeypatch.setattr(model, "preprocess", watch)
    return seen


def same(one: Features, other: Features) -> bool:
    pairs = [(value, other[key]) for key, value in one.items()]
    return list(one) == list(other) and all(
        torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in pairs
    )


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("prompts", [{}, {"query": "query: ", "document": "passage: "}])
def test_a_batch_is_what_the_model_makes_of_the_texts(
    model: SentenceTransformer, cache: TokenCache, role: Role, prompts: dict[str, str]
) -> None:
    model.prompts |= prompts
    tokens = read_tokens(model, role, cache)
    assert tokens is not None
    expected = dict(model.preprocess(TEXTS, prompt=prompts.get(role)))
    expected.pop("prompt_length", None)  # pooled like all else
    assert same(tokens.batch(TEXTS), expected)
    assert tokens.lengths(TEXTS) == expected["attention_mask"].sum(dim=1).tolist()


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.text(max_size=80), min_size=1, max_size=12))
def test_any_texts_in_any_order_give_the_batch_of_the_library(texts: list[str], tiny: SentenceTransformer) -> None:
    tokens = read_tokens(tiny, Role.QUERY, TokenCache())
    assert tokens is not None
    assert same(tokens.batch(texts), dict(tiny.preprocess(texts)))


def test_each_text_is_tokenised_once_for_all_copies_of_a_model(
    model: SentenceTransformer, cache: TokenCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_tokens(model, Role.QUERY, cache)
    assert first is not None
    assert first.read(TEXTS)
    other = copy.deepcopy(model)
    second = read_tokens(other, Role.QUERY, cache)
    assert second is not None
    seen = counted(other, monkeypatch)
    assert second.read(TEXTS)
    second.batch(TEXTS)
    assert seen == []
    second.batch(["new", "new", "a"])
    assert seen == ["new"]


def shortened(model: SentenceTransformer) -> None:
    model.max_seq_length = 8


def prompted(model: SentenceTransformer) -> None:
    model.prompts["query"] = "query: "


def with_another_word(model: SentenceTransformer) -> None:
    model.tokenizer.add_tokens(["longer"])


@pytest.mark.parametrize("change", [shortened, prompted, with_another_word])
def test_another_way_of_reading_is_another_entry(model: SentenceTransformer, cache: TokenCache, change: Any) -> None:
    before = read_tokens(model, Role.QUERY, cache)
    assert before is not None
    kept = before.batch(TEXTS)
    change(model)
    after = read_tokens(model, Role.QUERY, cache)
    assert after is not None
    expected = dict(model.preprocess(TEXTS, prompt=prompt_of(model, Role.QUERY) or None))
    expected.pop("prompt_length", None)
    assert same(after.batch(TEXTS), expected)
    assert not same(kept, expected)


def test_memory_is_bounded_and_what_has_no_room_is_tokenised_again(
    model: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = TokenCache(limit=6000)
    tokens = read_tokens(model, Role.DOCUMENT, cache)
    assert tokens is not None
    texts = [f"passage number {i}" for i in range(50)]
    assert tokens.read(texts)
    assert 0 < cache.size <= 6000
    seen = counted(model, monkeypatch)
    assert same(tokens.batch(texts), dict(model.preprocess(texts)))
    assert 0 < len(seen) - len(texts) < len(texts), "some were kept, some not"
    other = copy.deepcopy(model)
    shortened(other)
    newer = read_tokens(other, Role.DOCUMENT, cache)
    assert newer is not None
    assert newer.read(texts[:2])
    assert cache.size < 3000, "the model that was not used gave its room"


@pytest.mark.parametrize(
    ("saved", "query", "document"),
    [
        ({}, "", ""),
        ({"query": "q: ", "document": "d: "}, "q: ", "d: "),
        ({"query": "q: ", "passage": "p: "}, "q: ", ""),  # there is always a prompt named document, if an empty one
    ],
)
def test_prompts_are_those_that_encode_adds(
    model: SentenceTransformer, saved: dict[str, str], query: str, document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.prompts |= saved
    given: list[str] = []
    preprocess = model.preprocess
    monkeypatch.setattr(
        model, "preprocess", lambda texts, **kwargs: given.append(kwargs["prompt"]) or preprocess(texts, **kwargs)
    )
    model.encode_query(["a"])
    model.encode_document(["a"])
    assert given == [query, document]
    assert [prompt_of(model, role) for role in Role] == given


def test_the_default_prompt_counts_where_there_is_no_other(model: SentenceTransformer) -> None:
    model.prompts, model.default_prompt_name = {"s": "sentence: "}, "s"
    assert [prompt_of(model, role) for role in Role] == ["sentence: "] * 2


@pytest.mark.parametrize("include_prompt", [True, False])
@pytest.mark.parametrize("truncate_dim", [None, 16])
def test_encoding_from_tokens_is_encoding(
    model: SentenceTransformer, include_prompt: bool, truncate_dim: int | None
) -> None:
    model.prompts |= {"query": "query: ", "document": "passage: "}
    model.set_pooling_include_prompt(include_prompt)
    model.truncate_dim = truncate_dim
    encoder = TokenEncoder(model)
    for ours, theirs in ((encoder.encode_query, model.encode_query), (encoder.encode_document, model.encode_document)):
        found = ours(TEXTS, batch_size=3, convert_to_tensor=True, show_progress_bar=False)
        expected = theirs(TEXTS, batch_size=3, convert_to_tensor=True, show_progress_bar=False)
        assert found.shape == expected.shape
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
        assert torch.equal(found[0], found[-1])


def features(**values: Any) -> Features:
    return {"input_ids": torch.tensor([[5, 6]] * 3), "attention_mask": torch.tensor([[1, 1], [1, 0], [1, 0]])} | values


@pytest.mark.parametrize(
    "unfit",
    [
        {"input_ids": torch.tensor([1, 2, 3]), "offsets": torch.tensor([0, 1])},
        {"input_ids": torch.tensor([[1, 2, 3]]), "cu_seq_lens_q": torch.tensor([0, 1, 2, 3])},
        features(
            attention_mask=torch.tensor([[1, 0, 1], [1, 1, 1], [1, 1, 1]]), input_ids=torch.tensor([[5, 6, 7]] * 3)
        ),
        features(attention_mask=torch.tensor([[1, 1], [0, 0], [1, 1]])),
        features(pixel_values=torch.zeros(3, 2)),
        features(input_ids=torch.tensor([[1, 2, 3]] * 3)),
    ],
    ids=["static", "flattened", "hole", "no-token", "image", "shape"],
)
def test_features_that_cannot_be_padded_again_are_left_to_the_library(
    unfit: Features, model: SentenceTransformer, monkeypatch: pytest.MonkeyPatch, cache: TokenCache
) -> None:
    tokens = read_tokens(model, Role.QUERY, cache)
    assert tokens is not None
    monkeypatch.setattr(model, "preprocess", lambda texts, **_: unfit)
    assert read_tokens(model, Role.QUERY, cache) is None
    assert not tokens.read(["x", "y", "z"])


def test_padding_is_put_on_the_right_where_embeddings_stay_the_same(tmp_path: Path) -> None:
    model = load_model(ModelConfig(str(family("decoder", {"query": "find: "}, tmp_path / "model"))), "cpu")
    assert model.tokenizer.padding_side == "left"
    tokens = read_tokens(model, Role.QUERY, TokenCache())
    assert tokens is not None
    mask = tokens.batch(TEXTS)["attention_mask"]
    assert mask[:, 0].all()
    theirs = model.preprocess(TEXTS, prompt="find: ")["attention_mask"]
    assert not theirs[:, 0].all()
    assert mask.sum(dim=1).tolist() == theirs.sum(dim=1).tolist()
    found = TokenEncoder(model).encode_query(TEXTS, batch_size=3, convert_to_tensor=True, show_progress_bar=False)
    torch.testing.assert_close(found, model.encode_query(TEXTS, convert_to_tensor=True), rtol=0, atol=1e-5)
    assert model.tokenizer.padding_side == "left"
    assert not model.training


def test_a_table_of_words_reads_tokens_that_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model(ModelConfig(str(family("static", {}, tmp_path / "model"))), "cpu")
    tokens = read_tokens(model, Role.DOCUMENT, TokenCache())
    assert tokens is not None
    assert not tokens.padded
    assert same(tokens.batch(TEXTS), dict(model.preprocess(TEXTS)))
    assert tokens.lengths(["", "abc"]) == [0, 3]
    seen = counted(model, monkeypatch)
    tokens.batch(TEXTS[::-1])
    assert seen == []


def test_why_texts_are_left_to_the_library_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = load_model(ModelConfig(str(family("router", {}, tmp_path / "model"))), "cpu")
    say_once.cache_clear()
    with caplog.at_level("INFO"):
        for _ in range(3):
            assert read_tokens(model, Role.DOCUMENT) is None
    assert caplog.text.count("as the library does it: the model reads task beside tokens") == 1


def test_a_model_with_places_of_its_own_pads_on_the_left_and_encodes_in_its_own_way(
    model: SentenceTransformer,
) -> None:
    model.tokenizer.padding_side = "left"
    assert read_tokens(model, Role.QUERY) is None
    found = TokenEncoder(model).encode_query(TEXTS, batch_size=3, convert_to_tensor=True, show_progress_bar=False)
    assert torch.equal(found, model.encode_query(TEXTS, batch_size=3, convert_to_tensor=True))
