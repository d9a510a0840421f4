"""How often the longest trial of a space is evaluated: the resource that Hyperband shares out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from embedtune.config import BatchSampler, Config
from embedtune.records import TrainingSet
from embedtune.sweep.space.distributions import ends_of
from embedtune.sweep.space.space import Space
from embedtune.training import planned
from embedtune.training.schedule import evaluation_steps


def most_evaluations(config: Config, space: Space, training: Sequence[TrainingSet]) -> int:
    """Evaluations of the trial that has most of them; with folds the pruner gets one report after each.

    Args:
        config: Composed without any searched value.
        space: What is searched; ``train.epochs``, ``train.batch_size`` and ``train.batch_sampler`` decide.
        training: The rows.
    """
    if config.eval.folds:
        return config.eval.folds
    found = [1]
    searched = (_ends(space, f"train.{name}", config) for name in ("epochs", "batch_size", "batch_sampler"))
    for epochs, batch_size, sampler in product(*searched):
        changed = {"epochs": epochs, "batch_size": batch_size, "batch_sampler": BatchSampler(sampler)}
        amount = planned(training, replace(config.train, **changed), config.data.mix)
        found.append(len(evaluation_steps(config.eval.every, amount.epoch_steps, amount.steps)))
    return max(found)


def _ends(space: Space, key: str, config: Config) -> list[Any]:
    default = getattr(config.train, key.removeprefix("train."))
    searched = ends_of(space.distributions[key]) if key in space.distributions else [default]
    return [*searched, default] if key in space.conditions else searched
