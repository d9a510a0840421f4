"""The prompts that a model reads before each text."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from fnmatch import fnmatch

from sentence_transformers import SentenceTransformer

from embedtune.config import ModelConfig
from embedtune.models.token_cache import Role
from embedtune.models.tokens import prompt_of

PROMPTS = "model.prompts."
"""Prefix of the key of each role's prompt."""

MADE_FOR: Mapping[str, Mapping[str, str]] = {
    "*/e5-*": {"query": "query: ", "document": "passage: "},
    "*/multilingual-e5-*": {"query": "query: ", "document": "passage: "},
    "nomic-ai/nomic-embed-text-*": {"query": "search_query: ", "document": "search_document: "},
    "nomic-ai/modernbert-embed-*": {"query": "search_query: ", "document": "search_document: "},
    "snowflake/snowflake-arctic-embed-m-v1.5": {"query": "Represent this sentence for searching relevant passages: "},
    "mixedbread-ai/mxbai-embed-large-v1": {"query": "Represent this sentence for searching relevant passages: "},
}
"""Hub ids in lower case -> the prompts that the mteb package 2.26 puts before texts for them."""


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


def missing_prompts(model: SentenceTransformer, config: ModelConfig) -> str | None:
    """A sentence about prompts that a model was made for and does not get; None if nothing is wrong.

    Prompts that were typed, empty ones too, are meant.
    """
    if any(prompts_of(model).values()) or any(prompt is not None for prompt in vars(config.prompts).values()):
        return None
    known = next((own for pattern, own in MADE_FOR.items() if fnmatch(config.name.lower(), pattern)), None)
    if known is None:
        return None
    typed = " ".join(f'"{PROMPTS}{role}={prompt!r}"' for role, prompt in known.items())
    return f"{config.name} was made for prompts, but has none here. Type {typed}, or '' if none is meant."
