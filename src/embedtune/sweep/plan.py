"""What a study will be, checked before anything is written."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from embedtune.config import (
    DIMENSION,
    SMALLEST,
    Config,
    OnChange,
    dims_problems,
    measured_dims,
    objective_dim,
    second_objective,
    trained_dims,
)
from embedtune.errors import ConfigError, EmbedtuneError, join_problems
from embedtune.models.load import known_dimension
from embedtune.paths import Workspace
from embedtune.study.definition import define_study, free_name, require_definition
from embedtune.sweep.space.rules import DRAWS, Rules, make_rules
from embedtune.sweep.space.space import Space, build_space, split_arguments, to_overrides
from embedtune.sweep.space.starts import Known, default_recipe, given, warm_start
from embedtune.sweep.space.values import Values, values_of
from embedtune.sweep.strategies.build import build_strategy, with_groups, with_resource
from embedtune.sweep.strategies.grid import GridSampler
from embedtune.sweep.strategies.longest import most_evaluations
from embedtune.sweep.strategies.objectives import check_objectives
from embedtune.sweep.workers.worker import Compose
from embedtune.trial.bench import Bench, prepare

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """A study that was checked and can begin.

    Attributes:
        config: Without any searched value.
        bench: Data and base model.
        rules: What is worth running.
        known: What is tried first.
        n_trials: The study's total.
        definition: For ``study.yaml``.
        sampler: Its configuration.
        pruner: Its configuration.
    """

    config: Config
    bench: Bench
    rules: Rules
    known: tuple[Known, ...]
    n_trials: int
    definition: Mapping[str, Any]
    sampler: Mapping[str, Any] | None
    pruner: Mapping[str, Any] | None


def plan_sweep(
    compose: Compose,
    arguments: Sequence[str],
    sweeper: Mapping[str, Any],
    workspace: Callable[[Config], Workspace],
) -> Plan:
    """Check configuration, space, data and model together, before anything is written.

    Args:
        compose: Overrides to a configuration.
        arguments: Overrides of the command line.
        sweeper: ``hydra.sweeper``.
        workspace: The folders of a configuration.

    Raises:
        UserError: With every problem found.
    """
    fixed, searched = split_arguments(arguments, sweeper.get("params") or {})
    config = compose(fixed)
    bench = prepare(config)
    second = second_objective(config, bench.dim)
    if config.eval.second == SMALLEST:
        fixed = [*fixed, *to_overrides({"eval.second": second})]  # the same for every model that is searched
    default = values_of(config, bench.dim, fixed)
    space = build_space(
        fixed, searched, trained_dims(config, bench.dim), sized=second == DIMENSION,
        conditions=sweeper.get("conditions"), default=default,
    )  # fmt: skip
    _check_corners(compose, space, config, bench)
    rules = make_rules(sweeper, space, default, measured_dims(config, bench.dim))
    sampler = with_groups(sweeper.get("sampler")) if space.conditions else sweeper.get("sampler")
    pruner = with_resource(sweeper.get("pruner"), most_evaluations(config, space, bench.task.training))
    _check_strategies(sampler, pruner, rules, second)
    known = _known(sweeper, rules, default, workspace(config))
    begun = {"enqueue": sweeper.get("enqueue") or None, "warm_start": sweeper.get("warm_start")}
    n_trials = rules.total(config.study.n_trials)
    config = replace(config, study=replace(config.study, n_trials=n_trials))
    definition = define_study(
        config,
        bench.task,
        objective_dim(config, bench.dim),
        second=second,
        space=space.texts,
        sampler=sweeper.get("sampler"),
        pruner=sweeper.get("pruner"),
        rules={**rules.written, **begun},
    )
    if config.study.on_change == OnChange.new:
        name = free_name(workspace(config), definition)
        config, definition = replace(config, study=replace(config.study, name=name)), {**definition, "name": name}
    return Plan(config, bench, rules, tuple(known), n_trials, definition, sampler, pruner)


def _known(sweeper: Mapping[str, Any], rules: Rules, default: Values, workspace: Workspace) -> list[Known]:
    """The default recipe, what is given, and the best of an earlier study, in this order."""
    space, constraints, earlier = rules.space, rules.constraints, sweeper.get("warm_start")
    recipe = default_recipe(space, default)
    known = [Known(recipe, "default recipe")] if constraints.broken_by(recipe) is None else []
    if not known:
        logger.warning("The default recipe breaks a constraint; trial 0 is another configuration")
    known += given(sweeper.get("enqueue") or [], recipe, space, constraints)
    if earlier is not None:
        study = workspace.study(str(earlier))
        require_definition(study, [own.name for own in workspace.studies()], "hydra.sweeper.warm_start")
        known += warm_start(study, int(sweeper.get("warm_start_trials") or 0), space, constraints)
    return known


def _check_strategies(
    sampler: Mapping[str, Any] | None, pruner: Mapping[str, Any] | None, rules: Rules, second: int | str | None
) -> None:
    built = build_strategy("hydra.sweeper.sampler", sampler)
    check_objectives(second, rules.space, built, build_strategy("hydra.sweeper.pruner", pruner))
    if isinstance(built, GridSampler) and rules.points is None:
        endless = rules.space.endless
        reason = f"{', '.join(endless)} have intervals" if endless else f"there are more than {DRAWS} combinations"
        raise ConfigError(
            f"hydra.sweeper.params must be choices and ranges for a grid, but {reason}. "
            "Write choice(A, B) or range(A, B, STEP), or take sweep=optuna."
        )


def _check_corners(compose: Compose, space: Space, base: Config, bench: Bench) -> None:
    """Compose points that touch the ends of every parameter, so that no trial finds a wrong value later."""
    problems: dict[str, None] = {}
    for point in space.corners():
        overrides = to_overrides(point)
        try:
            config = compose([*space.fixed, *overrides])
            dim = bench.dim if config.model == base.model else known_dimension(config.model)
            problems |= dict.fromkeys(dims_problems(config, dim) if dim else [])
        except EmbedtuneError as error:
            problems |= dict.fromkeys(str(error).splitlines())
    if problems:
        raise ConfigError(join_problems(f"hydra.sweeper.params: {problem}" for problem in problems))
