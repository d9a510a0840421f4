"""Known configurations, tried before the sampler chooses: the default recipe, those given, an earlier study's best.

Warm start is the simple kind: the best configurations of an earlier study are tried again here. Their scores are not
taken over, because they may come from other data, another model or another recipe.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import TrialState

from embedtune import archive
from embedtune.errors import ConfigError, join_problems
from embedtune.paths import StudyPaths
from embedtune.ranking import rank
from embedtune.study import ORIGIN, Study, left
from embedtune.study.storage.optuna_private import queued_params
from embedtune.sweep.space.constraints import Constraints
from embedtune.sweep.space.distributions import canonical, contains
from embedtune.sweep.space.rules import Rules
from embedtune.sweep.space.space import Point, Space
from embedtune.sweep.space.values import NO_FILES, Files, Values, value_or_none, values_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Known:
    """A configuration to try before the sampler chooses.

    Attributes:
        point: Its searched keys; one that is missing is left to the sampler.
        origin: Where it comes from.
    """

    point: Point
    origin: str


def default_recipe(space: Space, default: Values) -> Point:
    """The configuration as a point of the space; what lies outside is left to the sampler."""
    point: Point = {}
    for key, distribution in space.distributions.items():
        if not space.has(key, point):
            continue
        value = value_or_none(default, key)
        if contains(distribution, value):
            point[key] = canonical(distribution, value)
        elif value is None and "." not in key:
            logger.warning("Trial 0: the default %s is none of %s; the sampler chooses it", key, space.texts[key])
        else:
            logger.warning("Trial 0: the default %s=%s is outside the space; the sampler chooses it", key, value)
    return point


def given(points: Sequence[Mapping[str, Any]], recipe: Point, space: Space, constraints: Constraints) -> list[Known]:
    """The configurations of ``hydra.sweeper.enqueue``, each completed by the default recipe.

    Raises:
        ConfigError: With every configuration that is not one of the space.
    """
    problems: list[str] = []
    known: list[Known] = []
    for i, point in enumerate(points):
        if not isinstance(point, Mapping):
            problems.append(
                f"hydra.sweeper.enqueue[{i}] must be a mapping of keys to values, but got {point}. Rewrite it."
            )
            continue
        whole = _within(space, {**recipe, **point})
        known.append(Known(whole, f"hydra.sweeper.enqueue[{i}]"))
        problems += [f"hydra.sweeper.enqueue[{i}] {problem}" for problem in _problems(point, whole, space, constraints)]
    if problems:
        raise ConfigError(join_problems(problems))
    return known


def warm_start(study: StudyPaths, count: int, rules: Rules, files: Files = NO_FILES) -> list[Known]:
    """The best configurations of an earlier study that lie in this space.

    Args:
        study: The earlier study.
        count: At most this many.
        rules: Of the new study.
        files: Of the groups that it searches.
    """
    known: list[Known] = []
    space, constraints = rules.space, rules.constraints
    for record in rank(archive.read_records(study)):
        config = archive.read_config(study.trial(record.number))
        if config is None:
            continue  # named already
        recorded = values_of(config, files=files)
        values = {key: record.params.get(key, value_or_none(recorded, key)) for key in space.distributions}
        point = _within(space, values)
        whole = all(key in point or not space.has(key, point) for key in space.distributions)
        new = space.identity(point) not in {space.identity(own.point) for own in known}
        if len(known) < count and whole and new and constraints.broken_by(point) is None:
            known.append(Known(point, f"trial {record.number} of {study.name}"))
    if len(known) < count:
        logger.warning(
            "hydra.sweeper.warm_start: %d of %d configurations of study %s lie in the space",
            len(known), count, study.name,
        )  # fmt: skip
    return known


def enqueue(study: Study, space: Space, known: Iterable[Known], n_trials: int) -> None:
    """Queue what the study has not tried, in this order; idempotent.

    No more than the budget can run: a trial that is queued again after an interruption comes behind what waits.
    """
    with study.claiming():
        trials = study.trials()
        present = {space.identity(asked) for trial in trials for asked in (trial.params, queued_params(trial))}
        room = left(study, n_trials) - sum(trial.state == TrialState.WAITING for trial in trials)
        for own in known:
            identity = space.identity(own.point)
            if own.point and identity not in present and room > 0:
                room -= 1
                present.add(identity)
                study.optuna.enqueue_trial(own.point, user_attrs={ORIGIN: own.origin})


def _problems(point: Mapping[str, Any], whole: Point, space: Space, constraints: Constraints) -> Iterable[str]:
    for key, value in point.items():
        if key not in space.distributions:
            yield f"must name searched keys, but got {key}. There are {', '.join(space.distributions)}."
        elif not contains(space.distributions[key], value):
            yield f"must lie in the space, but got {key}={value}. It is searched as {space.texts[key]}."
        elif key not in whole:
            yield f"must keep the conditions, but got {key}, which is there only with {space.conditions[key].text}."
    broken = constraints.broken_by(whole)
    if broken is not None:
        yield f"must keep the constraints, but breaks {broken.text}. Change it or the constraint."


def _within(space: Space, values: Mapping[str, Any]) -> Point:
    """Those values that lie in the space and whose conditions hold."""
    point: Point = {}
    for key, distribution in space.distributions.items():
        if key in values and space.has(key, point) and contains(distribution, values[key]):
            point[key] = canonical(distribution, values[key])
    return point
