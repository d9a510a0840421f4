from __future__ import annotations

from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformer

from embedtune.training.collate import Features, TokenCollator, tokenise

TEXTS = ["a", "", "a longer text", "café №7", "line one\u2028line two", "x " * 500, "a"]


def features(**values: Any) -> Features:
    return {"input_ids": torch.tensor([[5, 6], [7, 0]]), "attention_mask": torch.tensor([[1, 1], [1, 0]])} | values


def test_a_batch_is_what_the_model_makes_of_the_texts(tiny: SentenceTransformer) -> None:
    tokens = tokenise(tiny.preprocess, TEXTS, tiny.tokenizer.pad_token_id)
    assert tokens is not None
    batch, expected = tokens.batch(TEXTS), tiny.preprocess(TEXTS)
    assert set(batch) == set(expected)
    for key, value in batch.items():
        assert torch.equal(value, expected[key]) if isinstance(value, torch.Tensor) else value == expected[key]


def test_each_text_is_tokenised_once() -> None:
    seen: list[str] = []

    def preprocess(texts: list[str]) -> Features:
        seen.extend(texts)
        ones = torch.ones(len(texts), 3, dtype=torch.long)
        return {"input_ids": ones, "attention_mask": ones}

    tokenise(preprocess, ["a", "b", "a", "b", "c"], 0)
    assert sorted(seen) == ["a", "b", "c"]


def test_a_batch_is_padded_with_the_padding_token() -> None:
    tokens = tokenise(lambda _: features(), ["a", "b"], 9)
    assert tokens is not None
    assert tokens.batch(["b", "a"])["input_ids"].tolist() == [[7, 9], [5, 6]]


def test_the_collator_names_keys_by_column(tiny: SentenceTransformer) -> None:
    tokens = tokenise(tiny.preprocess, ["a", "bb", "ccc"], tiny.tokenizer.pad_token_id)
    assert tokens is not None
    batch = TokenCollator(tokens)([{"anchor": "a", "positive": "bb"}, {"anchor": "ccc", "positive": "a"}])
    assert {"anchor_input_ids", "anchor_attention_mask", "positive_input_ids"} <= set(batch)
    assert batch["anchor_input_ids"].shape == (2, 5)
    assert batch["positive_input_ids"].shape == (2, 4)


@pytest.mark.parametrize(
    "unfit",
    [
        {"input_ids": torch.tensor([1, 2, 3]), "offsets": torch.tensor([0, 2])},
        {"input_ids": torch.tensor([[1, 2, 3]]), "cu_seq_lens_q": torch.tensor([0, 2, 3])},
        features(attention_mask=torch.tensor([[1, 1], [0, 1]])),
        features(attention_mask=torch.tensor([[1, 1], [0, 0]])),
        features(prompt_length=3),
        features(pixel_values=torch.zeros(2, 2)),
        features(input_ids=torch.tensor([[1, 2, 3]])),
    ],
    ids=["static", "flattened", "left-padded", "no-token", "prompt", "image", "shape"],
)
def test_features_that_cannot_be_padded_again_are_left_to_the_library(unfit: Features) -> None:
    assert tokenise(lambda _: unfit, ["a", "b"], 0) is None
