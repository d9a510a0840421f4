"""The table of training objectives, and the one that a configuration asks for.

A further loss is an entry in a module beside this one and a file in ``conf/loss/`` that names it and lists the keys it
reads; the configuration's checks read those files, because they load no torch.
"""

from __future__ import annotations

from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss
from torch import nn

from embedtune.config import Config, trained_dims, trained_weights
from embedtune.errors import ConfigError
from embedtune.training.losses.distilled import DISTILLED
from embedtune.training.losses.guided import GUIDED
from embedtune.training.losses.in_batch import IN_BATCH
from embedtune.training.losses.labelled import LABELLED

LOSSES = {loss.name: loss for loss in (*IN_BATCH, *GUIDED, *LABELLED, *DISTILLED)}


def build_loss(model: SentenceTransformer, config: Config, mini_batch_size: int | None = None) -> nn.Module:
    """The loss of ``loss.name``, inside MatryoshkaLoss unless ``loss.matryoshka`` is null.

    Args:
        model: Its encoder.
        config: ``loss`` is read, and ``model`` by a loss with a guide.
        mini_batch_size: Rows encoded at once by the loss's cached form; None takes the form that ``loss.name`` says.

    Raises:
        ConfigError: Every Matryoshka weight is 0, so that nothing would be trained; or the guide cannot be loaded.
        ValueError: A mini-batch for a loss that has no cached form.
    """
    chosen = LOSSES[config.loss.name]
    if mini_batch_size is None:
        loss = chosen.build(model, config)
    elif chosen.cached is None:
        raise ValueError(f"loss {chosen.name} has no cached form")
    else:
        loss = chosen.cached(model, config, mini_batch_size)
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


def library_name(loss: nn.Module) -> str:
    """The library's name of a loss; one of our own is a class of it."""
    return next(kind.__name__ for kind in type(loss).__mro__ if kind.__module__.startswith("sentence_transformers."))
