"""The plan of a study, checked before anything is written."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from embedtune.config import (
    SIZE,
    SMALLEST,
    Config,
    OnChange,
    dims_problems,
    measured_dims,
    plain,
    trained_dims,
    value_of,
)
from embedtune.config.grammar import Value
from embedtune.errors import ConfigError, EmbedtuneError, join_problems, must
from embedtune.models.prompts import PROMPTS, prompts_of, with_own_prompts
from embedtune.paths import StudyPaths, Workspace
from embedtune.records import Search, SecondObjective, Settings, StudyDefinition
from embedtune.study.definition import define_study, free_name, require_definition
from embedtune.study.earlier import as_begun
from embedtune.sweep.settings import check_settings
from embedtune.sweep.space.bases import Base, base_models, words_of
from embedtune.sweep.space.rates import with_rates
from embedtune.sweep.space.rules import DRAWS, Rules, make_rules
from embedtune.sweep.space.space import Space, build_space, split_arguments, to_overrides
from embedtune.sweep.space.starts import Known, default_recipe, given, warm_start
from embedtune.sweep.space.values import Values, files_of, values_of
from embedtune.sweep.space.weights import spread
from embedtune.sweep.strategies.build import PRUNER, SAMPLER, build_strategy, with_groups, with_resource
from embedtune.sweep.strategies.grid import GridSampler
from embedtune.sweep.strategies.longest import most_evaluations
from embedtune.sweep.strategies.objectives import check_objectives
from embedtune.sweep.workers.worker import Compose
from embedtune.trial.bench import Bench, Benches, prepare

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """A study that was checked and can begin.

    Attributes:
        config: Without any searched value.
        benches: Data and base models, loaded at their first use.
        bases: That base model and the others that are searched, untuned.
        rules: What is worth running.
        known: What is tried first.
        n_trials: The study's total.
        definition: For ``study.yaml``.
        sampler: Its configuration.
        pruner: Its configuration.
    """

    config: Config
    benches: Benches
    bases: tuple[Base, ...]
    rules: Rules
    known: tuple[Known, ...]
    n_trials: int
    definition: StudyDefinition
    sampler: Settings
    pruner: Settings


def plan_sweep(
    compose: Compose,
    arguments: Sequence[str],
    sweeper: Settings,
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
    check_settings(sweeper)
    fixed, searched = split_arguments(arguments, sweeper.get("params") or {})
    config = compose(fixed)
    bench = prepare(config)
    benches = Benches(config, bench)
    objective = bench.objective
    sized = objective.second is not None and objective.second.is_size
    if config.eval.second == SMALLEST and objective.second is not None:
        # The same for every model that is searched.
        fixed = [*fixed, *to_overrides({"eval.second": objective.second.written})]
    nulls = {SIZE: objective.dim, **{f"{PROMPTS}{role}": own for role, own in prompts_of(bench.model).items()}}
    models = _choices(compose, fixed, searched, _model_key(searched))
    searched = with_rates(searched, config, [*models, *_choices(compose, fixed, searched, "train")])
    dims = _trained(models, config, benches)
    searched, conditions = spread(searched, _conditions(sweeper, fixed, searched), fixed, _model_key(searched), dims)
    space = build_space(
        fixed, searched, dims[0][1], sized=sized, conditions=conditions, default=values_of(config, nulls, fixed)
    )
    _check_corners(compose, space, benches)
    files = files_of(space, compose)
    default = values_of(config, nulls, fixed, files)
    rules = make_rules(sweeper, space, default, measured_dims(config, bench.dim))
    search = _search(sweeper, rules)
    sampler = with_groups(search.sampler) if space.conditions else search.sampler
    _check_strategies(sampler, _pruner(search, config, space, bench), rules, objective.second)
    known = _starts(search, rules, default)
    if search.warm_start is not None:
        earlier = _earlier(search.warm_start, workspace(config))
        known += warm_start(earlier, int(sweeper.get("warm_start_trials") or 0), rules, files)
    n_trials = rules.total(config.study.n_trials)
    config = replace(config, study=replace(config.study, n_trials=n_trials))
    begun_with = replace(config, model=with_own_prompts(config.model, bench.model, searched))
    definition = define_study(begun_with, bench.task, objective, search)
    definition = as_begun(workspace(config).study(definition.name), definition)
    if config.study.on_change == OnChange.new:
        definition = replace(definition, name=free_name(workspace(config), definition))
        config = replace(config, study=replace(config.study, name=definition.name))
    bases = base_models(space, config, compose)
    pruner = _pruner(definition.search, config, space, bench)
    return Plan(config, benches, bases, rules, tuple(known), n_trials, definition, sampler, pruner)


def _conditions(sweeper: Settings, fixed: Sequence[str], searched: Mapping[str, str]) -> dict[str, str]:
    """The conditions of the space, without those of keys that a value was typed for, or that were taken out."""
    typed = {override.partition("=")[0] for override in fixed}
    taken_out = sweeper.get("params") is None
    return {
        key: text
        for key, text in (sweeper.get("conditions") or {}).items()
        if key in searched or not (key in typed or taken_out)
    }


def _search(sweeper: Settings, rules: Rules) -> Search:
    """The search of the study, as it was typed."""
    return Search(
        space=rules.space.texts,
        sampler=sweeper.get("sampler") or {},
        pruner=sweeper.get("pruner") or {},
        conditions={key: condition.text for key, condition in rules.space.conditions.items()},
        constraints=rules.constraints.texts,
        repeats=rules.repeats,
        enqueue=sweeper.get("enqueue") or (),
        warm_start=sweeper.get("warm_start"),
    )


def _pruner(search: Search, config: Config, space: Space, bench: Bench) -> Settings:
    return with_resource(search.pruner, most_evaluations(config, space, bench.task.training))


def _starts(search: Search, rules: Rules, default: Values) -> list[Known]:
    """The default recipe, and the given configurations."""
    space, constraints = rules.space, rules.constraints
    recipe = default_recipe(space, default)
    known = [Known(recipe, "default recipe")] if constraints.broken_by(recipe) is None else []
    if not known:
        logger.warning("The default recipe breaks a constraint; trial 0 is another configuration")
    return [*known, *given(search.enqueue, recipe, space, constraints)]


def _earlier(name: str, workspace: Workspace) -> StudyPaths:
    study = workspace.study(name)
    require_definition(study, [own.name for own in workspace.studies()], "hydra.sweeper.warm_start")
    return study


def _check_strategies(sampler: Settings, pruner: Settings, rules: Rules, second: SecondObjective | None) -> None:
    built = build_strategy(SAMPLER, sampler)
    check_objectives(second, rules.space, built, build_strategy(PRUNER, pruner))
    if isinstance(built, GridSampler) and rules.points is None:
        endless = rules.space.endless
        reason = f"{', '.join(endless)} have intervals" if endless else f"there are more than {DRAWS} combinations"
        raise ConfigError(
            f"hydra.sweeper.params must be choices and ranges for a grid, but {reason}. "
            "Write choice(A, B) or range(A, B, STEP), or take sweep=optuna."
        )


def _model_key(searched: Mapping[str, str]) -> str:
    """The searched key that says which base model it is; ``model.name`` replaces what ``model`` says."""
    return "model.name" if "model.name" in searched else "model"


def _choices(
    compose: Compose, fixed: Sequence[str], searched: Mapping[str, str], key: str
) -> list[tuple[Value, Config]]:
    """Every value of a searched choice with its configuration; none if it is not searched."""
    found: list[tuple[Value, Config]] = []
    for word in words_of(key, searched.get(key)):
        with suppress(EmbedtuneError):  # a corner of the space says it
            found.append((word, compose([*fixed, *to_overrides({key: word})])))
    return found


def _trained(
    models: Sequence[tuple[Value, Config]], default: Config, benches: Benches
) -> list[tuple[Value, Sequence[int]]]:
    """Every base model that is searched with the dimensions it trains; the default one alone if none is."""
    found: list[tuple[Value, Sequence[int]]] = []
    for word, config in models:
        with suppress(EmbedtuneError):  # a corner of the space says it
            found.append((word, trained_dims(config, benches.dim(config))))
    return found or [(None, trained_dims(default, benches.dim(default)))]


def _check_corners(compose: Compose, space: Space, benches: Benches) -> None:
    """Compose points that touch the ends of every parameter, so that no trial finds a wrong value later."""
    problems: dict[str, None] = {}
    for point in space.corners():
        try:
            config = compose([*space.fixed, *to_overrides(point)])
            problems |= dict.fromkeys(_texts_for_numbers(config, point))
            problems |= dict.fromkeys(dims_problems(config, benches.dim(config)))
            problems |= dict.fromkeys(benches.problems(config))
        except EmbedtuneError as error:
            problems |= dict.fromkeys(str(error).splitlines())
    if problems:
        raise ConfigError(join_problems(f"hydra.sweeper.params: {problem}" for problem in problems))


def _texts_for_numbers(config: Config, point: Mapping[str, Value]) -> Iterator[str]:
    """Composition reads '1' as a number, but the study would record, compare and condition on a text."""
    tree = plain(config)
    for key, value in point.items():
        with suppress(KeyError):
            number = isinstance(value_of(tree, key), int | float)
            yield from must(
                not (isinstance(value, str) and number), key, "be a number, or true or false", repr(value),
                "Write it without quotes and without str().",
            )  # fmt: skip
