"""Rows of texts into batches of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


def column_prompts(model: SentenceTransformer, training: Sequence[TrainingSet]) -> dict[str, str] | None:
    """The model's own prompt for each column; None where it has none for any."""
    prompts = {column: prompt_of(model, role_of(column)) for part in training for column in part.columns}
    return prompts if any(prompts.values()) else None


def column_routes(model: SentenceTransformer, training: Sequence[TrainingSet]) -> dict[str, str]:
    """The route of each column through a model that reads queries another way than documents; empty for any other."""
    if not any(isinstance(module, Router) for module in model.children()):
        return {}
    return {column: role_of(column).value for part in training for column in part.columns}


def column_tokens(model: SentenceTransformer, training: Sequence[TrainingSet]) -> dict[str, Tokens] | None:
    """Every text of the training sets tokenised, by column; None where that is left to the library."""
    by_role = {role: read_tokens(model, role) for role in Role}
    found: dict[str, Tokens] = {}
    for part in training:
        for column, texts in part.columns.items():
            tokens = by_role[role_of(column)]
            if tokens is None or not tokens.read(texts):
                return None
            found[column] = tokens
    return found


@dataclass(frozen=True)
class TokenCollator:
    """Rows of texts into one batch, with keys as SentenceTransformerTrainer expects: ``anchor_input_ids``."""

    tokens: Mapping[str, Tokens]
    valid_label_columns: tuple[str, ...] = (LABEL,)  # the trainer's samplers ask for it

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The batch of ``rows``, each column padded to its own longest text."""
        batch: dict[str, Any] = {
            f"{column}_{key}": value
            for column in rows[0]
            if column not in (DATASET_NAME, LABEL)
            for key, value in self.tokens[column].batch([row[column] for row in rows]).items()
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
