"""Rows of texts into batches of tokens."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Router
from torch import Tensor

from embedtune.models.token_cache import Role
from embedtune.models.tokens import Tokens, prompt_of, read_tokens
from embedtune.records import TrainingSet

DATASET_NAME = "dataset_name"
"""The column that the library adds where there are several sets and they differ in something."""
LABEL = "label"
"""The column of the scores beside the texts, as the library names it."""


def role_of(column: str) -> Role:
    """Anchors are read as queries, all other columns as documents: training and evaluation see the same tokens."""
    return Role.QUERY if column == "anchor" else Role.DOCUMENT


def prompted(model: SentenceTransformer, part: TrainingSet) -> SentenceTransformer:
    """The model as it reads a training set: the same weights, with the set's own prompts."""
    if not part.prompts:
        return model
    found = copy.copy(model)
    found.prompts = {**model.prompts, **part.prompts}
    return found


def column_prompts(model: SentenceTransformer, training: Sequence[TrainingSet]) -> dict[str, Any] | None:
    """The prompt of each column, by set where one has its own prompts; None where there is none for any."""
    by_set = {
        part.name: {column: prompt_of(prompted(model, part), role_of(column)) for column in part.columns}
        for part in training
    }
    if not any(prompt for own in by_set.values() for prompt in own.values()):
        return None
    if len(training) > 1 and any(part.prompts for part in training):
        return by_set
    return {column: prompt for own in by_set.values() for column, prompt in own.items()}


def column_routes(model: SentenceTransformer, training: Sequence[TrainingSet]) -> dict[str, str]:
    """The route of each column through a model that reads queries another way than documents; empty for any other."""
    if not any(isinstance(module, Router) for module in model.children()):
        return {}
    return {column: role_of(column).value for part in training for column in part.columns}


def token_collator(model: SentenceTransformer, training: Sequence[TrainingSet]) -> TokenCollator | None:
    """Every text of the training sets tokenised; None where that is left to the library."""
    found: dict[str, Tokens] = {}
    by_set: dict[str, dict[str, Tokens]] = {}
    for part in training:
        reader = prompted(model, part)
        by_role = {role: read_tokens(reader, role) for role in Role}
        for column, texts in part.columns.items():
            tokens = by_role[role_of(column)]
            if tokens is None or not tokens.read(texts):
                return None
            by_set.setdefault(part.name, {})[column] = found[column] = tokens
    return TokenCollator(found, by_set=by_set)


@dataclass(frozen=True)
class TokenCollator:
    """Rows of texts into one batch, with keys as SentenceTransformerTrainer expects: ``anchor_input_ids``."""

    tokens: Mapping[str, Tokens]
    valid_label_columns: tuple[str, ...] = (LABEL,)  # the trainer's samplers ask for it
    by_set: Mapping[str, Mapping[str, Tokens]] = field(default_factory=dict)  # where rows name their set

    @property
    def padded(self) -> bool:
        """Whether all batches are rows of tokens padded to one length."""
        return all(own.padded for tokens in (self.tokens, *self.by_set.values()) for own in tokens.values())

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The batch of ``rows``, each column padded to its own longest text."""
        tokens = self.by_set.get(rows[0].get(DATASET_NAME, ""), self.tokens)
        batch: dict[str, Any] = {
            f"{column}_{key}": value
            for column in rows[0]
            if column not in (DATASET_NAME, LABEL)
            for key, value in tokens[column].batch([row[column] for row in rows]).items()
        }
        return batch | ({LABEL: torch.tensor([row[LABEL] for row in rows])} if LABEL in rows[0] else {})


def row_lengths(features: Mapping[str, Any]) -> list[int]:
    """Tokens of each row, by its mask or by where it starts in a sequence of all rows; empty if neither is there."""
    if isinstance(mask := features.get("attention_mask"), Tensor):
        lengths: list[int] = mask.sum(dim=1).tolist()
        return lengths
    if isinstance(starts := features.get("cu_seq_lens_q"), Tensor):
        return [int(length) for length in starts.flatten().diff()]
    if isinstance(offsets := features.get("offsets"), Tensor):  # StaticEmbedding: starts, without the end
        ends = [*offsets.tolist()[1:], len(features["input_ids"])]
        return [end - start for start, end in zip(offsets.tolist(), ends, strict=True)]
    return []
