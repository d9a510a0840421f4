"""How often the longest trial of a space is evaluated: the resource that Hyperband shares out. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

from embedtune.config import Config
from embedtune.records import TrainingSet
from embedtune.sweep.space.distributions import ends_of
from embedtune.sweep.space.space import Space
from embedtune.training.schedule import evaluation_steps


def most_evaluations(config: Config, space: Space, training: Sequence[TrainingSet]) -> int:
    """Evaluations of the trial that has most of them; with folds the pruner is told once after each.

    Args:
        config: Composed without any searched value.
        space: What is searched; ``train.epochs`` and ``train.batch_size`` decide.
        training: Several sets are visited in turn, until the smallest is used up.
    """
    if config.eval.folds:
        return config.eval.folds
    rows, sets = min(len(part) for part in training), len(training)
    found = [1]
    for epochs, batch_size in product(_ends(space, "train.epochs", config), _ends(space, "train.batch_size", config)):
        steps_per_epoch = sets * math.ceil(rows / batch_size)
        steps = evaluation_steps(config.eval.every, steps_per_epoch, math.ceil(epochs * steps_per_epoch))
        found.append(len(steps))
    return max(found)


def _ends(space: Space, key: str, config: Config) -> list[Any]:
    default = getattr(config.train, key.removeprefix("train."))
    searched = ends_of(space.distributions[key]) if key in space.distributions else [default]
    return [*searched, default] if key in space.conditions else searched
