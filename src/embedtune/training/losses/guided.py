"""Losses with a guide: another model says which other rows of a batch are no negatives.

GISTEmbed: Guided In-sample Selection of Training Negatives for Text Embedding Fine-tuning, Solatorio, 2024.
"""

from __future__ import annotations

from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CachedGISTEmbedLoss, GISTEmbedLoss

from embedtune.config import Config, ModelConfig
from embedtune.models.load import load_model
from embedtune.training.losses.in_batch import MINI_BATCH
from embedtune.training.losses.table import Loss

_loaded: dict[str, SentenceTransformer] = {}
"""The last guide: a trial builds its loss for the record and for the training, and the next one has often the same."""


def guide_model(config: Config) -> ModelConfig:
    """The guide: ``loss.guide``, or the base model as it was before the training."""
    if config.loss.guide is None:
        return config.model
    return ModelConfig(name=config.loss.guide, trust_remote_code=config.model.trust_remote_code)


def _guide(config: ModelConfig, device: str) -> SentenceTransformer:
    key = repr((config, device))
    if key not in _loaded:
        _loaded.clear()
        guide = load_model(config, device).eval()
        for parameter in guide.parameters():
            parameter.requires_grad_(False)
        _loaded[key] = guide
    return _loaded[key]


def _options(model: SentenceTransformer, config: Config) -> dict[str, Any]:
    loss = config.loss
    return {
        "guide": _guide(guide_model(config), str(model.device)),
        "temperature": 1 / loss.scale,
        "margin_strategy": loss.margin_strategy.value,
        "margin": loss.margin or 0.0,
    }


def _cached_gist(model: SentenceTransformer, config: Config, mini_batch_size: int = MINI_BATCH) -> Any:
    return CachedGISTEmbedLoss(model, mini_batch_size=mini_batch_size, **_options(model, config))


GUIDED = (
    Loss(
        "gist",
        lambda model, config: GISTEmbedLoss(model, **_options(model, config)),
        cached=_cached_gist,
        negatives=(0, 1),
    ),
    Loss("cached_gist", _cached_gist, cached=_cached_gist, mini_batch_size=MINI_BATCH),
)
