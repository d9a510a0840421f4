"""Losses in which the other rows of a batch are the negatives."""

from __future__ import annotations

from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.util import cos_sim, dot_score

from embedtune.config import Config, Directions, HardnessOn, LossConfig, Similarity
from embedtune.training.losses.masked import (
    MaskedCachedMultipleNegativesRankingLoss,
    MaskedMultipleNegativesRankingLoss,
)
from embedtune.training.losses.table import Loss

MINI_BATCH = 32
"""Rows that a cached form encodes at once where nothing smaller is needed."""
_DIRECTIONS = {
    Directions.query: ("query_to_doc",),
    Directions.symmetric: ("query_to_doc", "doc_to_query"),
    Directions.all: ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc"),
}
"""GTE (Li et al., Towards General Text Embeddings with Multi-stage Contrastive Learning, 2023) takes all four."""
_HARDNESS = {
    HardnessOn.in_batch: "in_batch_negatives",
    HardnessOn.hard: "hard_negatives",
    HardnessOn.all: "all_negatives",
}


def _options(loss: LossConfig) -> dict[str, Any]:
    """What both forms take. Hardness as in Lan et al., LLaVE, 2025, and EmbeddingGemma, 2025."""
    return {
        "scale": loss.scale,
        "similarity_fct": dot_score if loss.similarity is Similarity.dot else cos_sim,
        "directions": _DIRECTIONS[loss.directions],
        "partition_mode": loss.partition.value,
        "hardness_mode": _HARDNESS[loss.hardness_on] if loss.hardness else None,
        "hardness_strength": loss.hardness,
    }


def _cached_mnrl(model: SentenceTransformer, config: Config, mini_batch_size: int = MINI_BATCH) -> Any:
    masks = config.loss.mask_false_negatives
    kind = MaskedCachedMultipleNegativesRankingLoss if masks else CachedMultipleNegativesRankingLoss
    return kind(model, mini_batch_size=mini_batch_size, **_options(config.loss))


def _mnrl(model: SentenceTransformer, config: Config) -> Any:
    kind = MaskedMultipleNegativesRankingLoss if config.loss.mask_false_negatives else MultipleNegativesRankingLoss
    return kind(model, **_options(config.loss))


IN_BATCH = (
    Loss("mnrl", _mnrl, cached=_cached_mnrl, one_pass=True),
    Loss("cached_mnrl", _cached_mnrl, cached=_cached_mnrl, mini_batch_size=MINI_BATCH),
)
