"""What a model reads before each text."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from sentence_transformers import SentenceTransformer

from embedtune.config import ModelConfig
from embedtune.models.token_cache import Role
from embedtune.models.tokens import prompt_of

PROMPTS = "model.prompts."
"""Begins the key of each role's prompt."""


def prompts_of(model: SentenceTransformer) -> dict[str, str]:
    """Role -> the prompt that ``encode_query`` or ``encode_document`` adds; empty text is none."""
    return {role.value: prompt_of(model, role) for role in Role}


def with_own_prompts(config: ModelConfig, model: SentenceTransformer, keys: Container[str]) -> ModelConfig:
    """The configuration with the model's own prompts in place of null, where ``keys`` names them.

    A search over prompts begins with a value that can be compared with its choices.
    """
    typed = vars(config.prompts)
    own = {
        role: prompt for role, prompt in prompts_of(model).items() if f"{PROMPTS}{role}" in keys and typed[role] is None
    }
    return replace(config, prompts=replace(config.prompts, **own)) if own else config
