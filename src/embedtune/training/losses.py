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


def build_loss(model: SentenceTransformer, config: Config, mini_batch_size: int | None = None) -> nn.Module:
    """The ranking loss of ``loss.name``, inside MatryoshkaLoss unless ``loss.matryoshka`` is null.

    Args:
        model: Its encoder.
        config: ``loss`` is read.
        mini_batch_size: Rows encoded at once by the cached form of the loss, which has the same value and gradient as
            the plain one (GradCache, Gao et al. 2021); None takes the form that ``loss.name`` says.

    Raises:
        ConfigError: Every Matryoshka weight is 0, so that nothing would be trained.
    """
    loss: nn.Module
    if mini_batch_size is None:
        loss = _RANKING[config.loss.name](model, scale=config.loss.scale)
    else:
        loss = CachedMultipleNegativesRankingLoss(model, scale=config.loss.scale, mini_batch_size=mini_batch_size)
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
