"""The training objective: sentence-transformers' own losses, composed as the configuration says."""

from __future__ import annotations

from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MatryoshkaLoss,
    MultipleNegativesRankingLoss,
)
from torch import nn

from embedtune.config import Config, trained_dims, trained_weights
from embedtune.errors import ConfigError

_RANKING = {"mnrl": MultipleNegativesRankingLoss, "cached_mnrl": CachedMultipleNegativesRankingLoss}


def build_loss(model: SentenceTransformer, config: Config) -> nn.Module:
    """The ranking loss of ``loss.name``, inside MatryoshkaLoss unless ``loss.matryoshka`` is null.

    Raises:
        ConfigError: Every Matryoshka weight is 0, so that nothing would be trained.
    """
    loss: nn.Module = _RANKING[config.loss.name](model, scale=config.loss.scale)
    if config.loss.matryoshka is None:
        return loss
    full = model.get_embedding_dimension()
    dims, weights = trained_dims(config, full), trained_weights(config, full)
    if not any(weights):
        raise ConfigError(
            f"loss.matryoshka.weights must have one above 0, but got 0 for all of {dims}. Remove one of them."
        )
    nested: nn.Module = MatryoshkaLoss(model, loss, matryoshka_dims=dims, matryoshka_weights=weights)
    return nested


def nested_losses(loss: nn.Module) -> tuple[Any, ...]:
    """The losses that were configured, outermost first."""
    return (loss, *nested_losses(loss.loss)) if isinstance(loss, MatryoshkaLoss) else (loss,)
