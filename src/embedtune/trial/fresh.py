"""The model that a training begins with."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from embedtune.config import Config
from embedtune.models.adapters import attach
from embedtune.training import resolve_device
from embedtune.trial.bench import Bench

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def fresh_model(config: Config, bench: Bench) -> SentenceTransformer:
    """A copy of the untuned base model on its device, with the adapters that are to be trained.

    Raises:
        ConfigError: The device is not there.
    """
    model = copy.deepcopy(bench.model)
    if config.train.lora is not None:
        attach(model, config.train.lora, config.train.seed)
    return model.to(resolve_device(config.train.device))


def trained_parameters(model: SentenceTransformer) -> int:
    """How many weights are trained."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
