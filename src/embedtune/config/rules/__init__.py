"""The rules of the configuration: a module for each group of keys."""

from embedtune.config.rules.data import data_problems
from embedtune.config.rules.evaluation import eval_problems
from embedtune.config.rules.generation import generation_problems
from embedtune.config.rules.loss import loss_problems
from embedtune.config.rules.place import place_problems
from embedtune.config.rules.release import release_problems
from embedtune.config.rules.training import train_problems
from embedtune.config.schema import Config

__all__ = ["problems"]


def problems(config: Config) -> list[str]:
    """Every broken rule that can be seen without reading data or a model."""
    return [
        *train_problems(config.train, config.loss),
        *loss_problems(config.loss),
        *eval_problems(config.eval, config.train),
        *data_problems(config.data),
        *place_problems(config),
        *release_problems(config),
        *generation_problems(config.generate),
    ]
