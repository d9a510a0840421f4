"""The training objectives: sentence-transformers' own losses, composed as the configuration says.

A further loss is an entry of the table below and a file in ``conf/loss/`` that names it; the configuration's check of
``loss.name`` reads the names off those files, because it loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MatryoshkaLoss,
    MultipleNegativesRankingLoss,
)
from torch import nn

from embedtune.config import Config, LossConfig, trained_dims, trained_weights
from embedtune.errors import ConfigError
from embedtune.records import TrainingSet

PAIRS = ("anchor", "positive")


@dataclass(frozen=True)
class Loss:
    """One objective.

    Attributes:
        name: ``loss.name``.
        build: Makes it for a model from ``loss.*``.
        cached: Makes it in the form that encodes that many rows at once, with the same value and gradient (GradCache,
            Gao et al., Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup, 2021); None where there
            is no such form, and a batch that does not fit fails.
        needs: The columns it cannot do without.
        one_pass: Whether it reads nothing of a batch but its embeddings, so that all columns may be encoded at once.
        mini_batch_size: Rows that ``build``'s form encodes at once; None: the whole batch.
    """

    name: str
    build: Callable[[SentenceTransformer, LossConfig], nn.Module]
    cached: Callable[[SentenceTransformer, LossConfig, int], nn.Module] | None = None
    needs: tuple[str, ...] = PAIRS
    one_pass: bool = False
    mini_batch_size: int | None = None


def _mnrl(model: SentenceTransformer, config: LossConfig) -> nn.Module:
    loss: nn.Module = MultipleNegativesRankingLoss(model, scale=config.scale)
    return loss


def _cached_mnrl(model: SentenceTransformer, config: LossConfig, mini_batch_size: int = 32) -> nn.Module:
    loss: nn.Module = CachedMultipleNegativesRankingLoss(model, scale=config.scale, mini_batch_size=mini_batch_size)
    return loss


LOSSES = {
    loss.name: loss
    for loss in (
        Loss("mnrl", _mnrl, cached=_cached_mnrl, one_pass=True),
        Loss("cached_mnrl", _cached_mnrl, cached=_cached_mnrl, mini_batch_size=32),
    )
}


def build_loss(model: SentenceTransformer, config: Config, mini_batch_size: int | None = None) -> nn.Module:
    """The loss of ``loss.name``, inside MatryoshkaLoss unless ``loss.matryoshka`` is null.

    Args:
        model: Its encoder.
        config: ``loss`` is read.
        mini_batch_size: Rows encoded at once by the loss's cached form; None takes the form that ``loss.name`` says.

    Raises:
        ConfigError: Every Matryoshka weight is 0, so that nothing would be trained.
        ValueError: A mini-batch for a loss that has no cached form.
    """
    chosen = LOSSES[config.loss.name]
    if mini_batch_size is None:
        loss = chosen.build(model, config.loss)
    elif chosen.cached is None:
        raise ValueError(f"loss {chosen.name} has no cached form")
    else:
        loss = chosen.cached(model, config.loss, mini_batch_size)
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


def columns_problems(config: Config, training: Sequence[TrainingSet]) -> Iterator[str]:
    """A sentence for each training set that lacks a column which the loss cannot do without."""
    loss = LOSSES[config.loss.name]
    for part in training:
        missing = [column for column in loss.needs if column not in part.columns]
        if missing:
            yield (
                f"loss.name={loss.name} must have the columns {', '.join(loss.needs)}, but got "
                f"{', '.join(part.columns)} in training set {part.name}. "
                f"Add {', '.join(missing)}, or take another loss."
            )


def nested_losses(loss: nn.Module) -> tuple[Any, ...]:
    """The losses that were configured, outermost first."""
    return (loss, *nested_losses(loss.loss)) if isinstance(loss, MatryoshkaLoss) else (loss,)
