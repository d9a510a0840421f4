"""Limits of a search under two objectives, checked before anything is written."""

from __future__ import annotations

from optuna.pruners import BasePruner, NopPruner
from optuna.samplers import BaseSampler, CmaEsSampler

from embedtune.config import SIZE
from embedtune.errors import ConfigError, join_problems
from embedtune.records import SecondObjective
from embedtune.sweep.space.space import Space


def check_objectives(
    second: SecondObjective | None, space: Space, sampler: BaseSampler | None, pruner: BasePruner | None
) -> None:
    """Check sampler, pruner and space against a second objective.

    Args:
        second: None with one objective.
        space: What is searched.
        sampler: None is Optuna's default, which takes two objectives.
        pruner: None prunes nothing.

    Raises:
        ConfigError: With every rule that is broken.
    """
    if second is None:
        return
    problems = []
    if not isinstance(pruner, NopPruner | None):
        problems.append(
            "hydra.sweeper.pruner must be none with eval.second, because Optuna cannot prune for two objectives, "
            f"but got {type(pruner).__name__}. Add pruner=none, or type sweep=pareto."
        )
    if isinstance(sampler, CmaEsSampler):  # the only one of Optuna's that refuses, and only in the middle of a trial
        problems.append(
            f"hydra.sweeper.sampler must take two objectives with eval.second, but got {type(sampler).__name__}. "
            "Try sampler=motpe."
        )
    if second.is_size and SIZE not in space.distributions:
        problems.append(
            f"{SIZE} must be searched with eval.second={second.written}, but has one value. "
            f"Try {SIZE}='choice(64, 128, 256)'."
        )
    if problems:
        raise ConfigError(join_problems(problems))
