"""Losses with a guide: another model says which other rows of a batch are no negatives.

GISTEmbed: Guided In-sample Selection of Training Negatives for Text Embedding Fine-tuning, Solatorio, 2024.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CachedGISTEmbedLoss, GISTEmbedLoss
from torch import nn

from embedtune.config import Config, ModelConfig
from embedtune.models.load import load_model
from embedtune.training.losses.in_batch import MINI_BATCH
from embedtune.training.losses.table import Loss


def guide_model(config: Config) -> ModelConfig:
    """The guide: ``loss.guide``, or the base model as it was before the training."""
    if config.loss.guide is None:
        return config.model
    return ModelConfig(name=config.loss.guide, trust_remote_code=config.model.trust_remote_code)


def _options(model: SentenceTransformer, config: Config) -> dict[str, Any]:
    guide = load_model(replace(guide_model(config)), str(model.device)).eval()
    for parameter in guide.parameters():
        parameter.requires_grad_(False)
    loss = config.loss
    return {
        "guide": guide,
        "temperature": 1 / loss.scale,
        "margin_strategy": loss.margin_strategy.value,
        "margin": loss.margin or 0.0,
    }


def _gist(model: SentenceTransformer, config: Config) -> nn.Module:
    loss: nn.Module = GISTEmbedLoss(model, **_options(model, config))
    return loss


def _cached_gist(model: SentenceTransformer, config: Config, mini_batch_size: int = MINI_BATCH) -> nn.Module:
    loss: nn.Module = CachedGISTEmbedLoss(model, mini_batch_size=mini_batch_size, **_options(model, config))
    return loss


GUIDED = (
    Loss("gist", _gist, cached=_cached_gist, negatives=(0, 1)),
    Loss("cached_gist", _cached_gist, cached=_cached_gist, mini_batch_size=MINI_BATCH),
)
