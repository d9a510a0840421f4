"""One copy of the weights, whatever prompts are searched with it."""

from __future__ import annotations

from embedtune.config import ModelConfig, PromptsConfig
from embedtune.models.load import load_model, with_prompts
from embedtune.models.prompts import prompts_of


def test_prompts_are_set_on_the_same_weights_and_null_is_the_models_own() -> None:
    asked = load_model(ModelConfig("tiny", prompts=PromptsConfig(query="find: ")), "cpu")
    other = with_prompts(asked, ModelConfig("tiny", prompts=PromptsConfig(document="passage: ")))
    assert prompts_of(asked) == {"query": "find: ", "document": ""}
    assert prompts_of(other) == {"query": "", "document": "passage: "}
    assert all(ours is theirs for ours, theirs in zip(asked.parameters(), other.parameters(), strict=True))
    assert prompts_of(with_prompts(other, ModelConfig("tiny"))) == {"query": "", "document": ""}
