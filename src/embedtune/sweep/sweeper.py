"""A whole study: check everything, open it, mend what a crash left, then let the workers loop."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from hydra.utils import instantiate
from omegaconf import OmegaConf
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from embedtune import archive
from embedtune.bench import Bench, Benches, prepare
from embedtune.config import Config, dims_problems, objective_dim, trained_dims
from embedtune.errors import ConfigError, EmbedtuneError, join_problems
from embedtune.hooks import Hooks, Watcher
from embedtune.model import known_dimension
from embedtune.paths import StudyPaths, Workspace
from embedtune.records import State, TrialRecord
from embedtune.study import Study, open_study, reconcile, worker_identity
from embedtune.sweep.definition import define_study, save_definition, study_name
from embedtune.sweep.delivery import Delivery
from embedtune.sweep.space import Space, build_space, split_arguments, to_overrides
from embedtune.sweep.worker import Compose, Worker
from embedtune.trial import INTERRUPTED, run_baseline

logger = logging.getLogger(__name__)


class StudyWatcher(Watcher, Protocol):
    """Somebody who looks on while a study runs."""

    def study_began(self, definition: Mapping[str, Any], records: Sequence[TrialRecord]) -> None:
        """The study goes on from these records."""


@dataclass(frozen=True)
class Plan:
    """A study that was checked and can begin."""

    config: Config
    bench: Bench
    space: Space
    definition: Mapping[str, Any]
    sampler: Any
    pruner: Any


def plan_sweep(compose: Compose, arguments: Sequence[str], sweeper: Mapping[str, Any]) -> Plan:
    """Check configuration, space, data and model together, before anything is written.

    Args:
        compose: Overrides to a configuration.
        arguments: Overrides of the command line.
        sweeper: ``hydra.sweeper``: params, sampler and pruner.

    Raises:
        UserError: With every problem found.
    """
    fixed, searched = split_arguments(arguments, sweeper.get("params") or {})
    config = compose(fixed)
    bench = prepare(config)
    space = build_space(fixed, searched, trained_dims(config, bench.dim))
    _check_corners(compose, space, config, bench)
    definition = define_study(
        config,
        bench.task,
        objective_dim(config, bench.dim),
        space=space.texts,
        sampler=sweeper.get("sampler"),
        pruner=sweeper.get("pruner"),
    )
    strategies = [_build(f"hydra.sweeper.{key}", sweeper.get(key)) for key in ("sampler", "pruner")]
    return Plan(config, bench, space, definition, *strategies)


def run_sweep(plan: Plan, compose: Compose, workspace: Workspace, watcher: StudyWatcher) -> StudyPaths:
    """Run a planned study up to its total; the same plan again goes on where it stopped.

    Raises:
        KeyboardInterrupt: After the interrupted trial was queued again.
        StudyError: The storage cannot be reached.
        ConfigError: The study was begun with another definition.
    """
    paths = workspace.study(study_name(plan.config))
    save_definition(paths, plan.definition)
    study = open_study(paths, plan.config.study.storage, plan.sampler, plan.pruner)
    delivery = Delivery.open(plan.config, workspace, paths)
    _mend(study, delivery)
    if not study.optuna.get_trials(deepcopy=False):
        study.optuna.enqueue_trial(_default_params(plan), user_attrs={"origin": "default recipe"})
    watcher.study_began(plan.definition, list(archive.read_records(paths)))
    delivery.summary()
    ensure_baseline(plan.config, plan.bench, paths, Hooks(watcher, delivery.trial))
    benches = Benches(plan.config, plan.bench)
    budget, keep = plan.config.study.n_trials, plan.config.study.keep
    Worker(study, plan.space, compose, benches, delivery, watcher, budget, keep).loop()
    delivery.summary()
    return paths


def ensure_baseline(config: Config, bench: Bench, study: StudyPaths, hooks: Hooks) -> TrialRecord:
    """The untuned base model's record, measured if it is not there yet."""
    record = archive.read_record(study, -1)
    if record is None or record.state != State.COMPLETE:
        start = TrialRecord(study.name, -1, State.RUNNING, facts={"worker": worker_identity()})
        record = run_baseline(config, bench, study.baseline, start, hooks)
    return record


def _mend(study: Study, delivery: Delivery) -> None:
    """Close the records of trials whose worker died; their configurations are queued again."""
    for number in reconcile(study):
        logger.warning("Trial %d was left unfinished by a worker that died; it is queued again", number)
        record = archive.read_record(study.paths, number)
        if record is not None and record.state == State.RUNNING:
            trial = study.paths.trial(number)
            archive.write_result(trial, replace(record, state=State.FAIL, reason=f"{INTERRUPTED}: its worker died"))
            delivery.trial(trial)


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


def _default_params(plan: Plan) -> dict[str, Any]:
    """The recipe of the configuration as a point of the space; what lies outside is left to the sampler."""
    values = OmegaConf.structured(plan.config)
    params: dict[str, Any] = {}
    for key, distribution in plan.space.distributions.items():
        default = OmegaConf.select(values, key, default=1.0 if key.startswith("loss.matryoshka.weights.") else None)
        value = getattr(default, "name", default)  # enums are searched by name
        if isinstance(distribution, CategoricalDistribution):
            inside = value in distribution.choices
        else:
            assert isinstance(distribution, IntDistribution | FloatDistribution)
            inside = isinstance(value, int | float) and distribution.low <= value <= distribution.high
        if inside:
            params[key] = value
        else:
            logger.warning("Trial 0: the default %s=%s is outside the space; the sampler chooses it", key, value)
    return params


def _build(key: str, values: Mapping[str, Any] | None) -> Any:
    """Instantiate a sampler or pruner; each worker builds its own."""
    if values is None:
        return None
    try:
        return instantiate({name: value for name, value in values.items() if value is not None})
    except Exception as error:
        raise ConfigError(f"{key} must be a class and its arguments, but got {dict(values)} ({error}).") from error
