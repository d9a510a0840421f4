"""Prompts that a model was made for, and what is said where they are missing."""

from __future__ import annotations

import pytest

from embedtune.config import ModelConfig, PromptsConfig
from embedtune.models.load import load_model
from embedtune.models.prompts import missing_prompts, prompts_of, with_own_prompts


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("intfloat/e5-base-v2", "\"model.prompts.query='query: '\" \"model.prompts.document='passage: '\""),
        ("intfloat/multilingual-e5-small", "passage: "),
        ("nomic-ai/nomic-embed-text-v1.5", "search_query: "),
        ("tiny", None),
        ("BAAI/bge-base-en-v1.5", None),
    ],
)
def test_prompts_that_are_missing_are_said(name: str, said: str | None) -> None:
    model = load_model(ModelConfig("tiny"), "cpu")
    found = missing_prompts(model, ModelConfig(name))
    assert found is None if said is None else found is not None and said in found
    assert missing_prompts(model, ModelConfig(name, prompts=PromptsConfig(query=""))) is None, "none is meant"
    model.prompts["query"] = "own: "
    assert missing_prompts(model, ModelConfig(name)) is None


def test_null_is_the_prompt_of_the_model_where_it_is_asked_for() -> None:
    config = ModelConfig("tiny", prompts=PromptsConfig(document="passage: "))
    model = load_model(config, "cpu")
    assert prompts_of(model) == {"query": "", "document": "passage: "}
    assert with_own_prompts(config, model, {"model.prompts.query"}).prompts == PromptsConfig("", "passage: ")
    assert with_own_prompts(config, model, set()) is config
