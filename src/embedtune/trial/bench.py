"""Resources that the trials of one process share: data and base model, checked together, loaded once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from embedtune.config import (
    Config,
    Distractors,
    EvalConfig,
    LearningRatesConfig,
    ModelConfig,
    Precision,
    PromptsConfig,
    check_dims,
    dims_problems,
    objective_of,
)
from embedtune.data import Fold, add_distractors, folds_problems, load_task, make_folds
from embedtune.errors import ConfigError, DataError, UserError, join_problems
from embedtune.evaluation.subcorpus import corpus_problems
from embedtune.models.adapters import adapted_layers
from embedtune.models.dimension import known_dimension
from embedtune.models.load import load_model, with_prompts
from embedtune.records import Objective, TaskData
from embedtune.statistics import query_groups
from embedtune.training import columns_problems, device_problems, model_problems, unread_scores

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bench:
    """Data and model, ready for trials.

    Attributes:
        task: The data.
        model: The untuned base model on the CPU, with the prompts of its configuration; every trial works on a copy.
        dim: Its full size.
        objective: What trials are judged by.
        folds: Of the training rows, with ``eval.folds``.
        drawn: Facts of the corpus drawn for ``eval.corpus``, which the validation split then has; none of a whole one.
    """

    task: TaskData
    model: SentenceTransformer
    dim: int
    objective: Objective
    folds: tuple[Fold, ...] = ()
    drawn: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def query_groups(self) -> tuple[int, ...]:
        """The group of each validation query."""
        return tuple(query_groups(self.task.splits["validation"].relevant).tolist())

    @cached_property
    def fold_relevance(self) -> Mapping[str, frozenset[str]]:
        """Of all training queries, fold after fold as their scores are joined."""
        return {query: passages for fold in self.folds for query, passages in fold.held_out.relevant.items()}

    @cached_property
    def fold_groups(self) -> tuple[int, ...]:
        """The group of each training query, in the same order."""
        return tuple(query_groups(self.fold_relevance).tolist())

    @classmethod
    def of(cls, config: Config, task: TaskData, model: SentenceTransformer, folds: tuple[Fold, ...] = ()) -> Bench:
        """The bench of a configuration, once its data and its model are known.

        Raises:
            ConfigError: The model lacks a dimension or a layer asked for.
        """
        dim = full_dimension(model)
        check_dims(config, dim)
        if config.train.lora is not None:
            adapted_layers(model, config.train.lora)
        return cls(task, model, dim, objective_of(config, dim), folds)


class Benches:
    """The bench of each base model a study searches over; the data is the same for all.

    Weights are loaded once, however many prompts are searched.
    """

    def __init__(self, config: Config, bench: Bench) -> None:
        self._bench, self._task = bench, bench.task
        self._models = {_weights(config.model): bench.model}

    def get(self, config: Config) -> Bench:
        """The bench for a configuration's model, loaded at its first use.

        Raises:
            UserError: The model cannot be loaded, or lacks a dimension asked for.
        """
        if problems := list(columns_problems(config, self._task.training)):
            raise ConfigError(join_problems(problems))
        own = Bench.of(config, self._task, with_prompts(self._model(config), config.model), self._bench.folds)
        return replace(own, drawn=self._bench.drawn)

    def judged_on(self, bench: Bench) -> None:
        """Judge on the corpus of this bench from now on."""
        self._bench, self._task = bench, bench.task

    def problems(self, config: Config) -> list[str]:
        """What a configuration cannot be trained with: on these rows, on this machine, from a base model known here."""
        model = self._models.get(_weights(config.model))
        return [
            *columns_problems(config, self._task.training),
            *device_problems(config),
            *(model_problems(model, config) if model is not None else ()),
        ]

    def dim(self, config: Config) -> int:
        """The full size of a configuration's model, without loading it where its files tell the size.

        Raises:
            UserError: The model cannot be loaded.
        """
        known = None if _weights(config.model) in self._models else known_dimension(config.model)
        return known or full_dimension(self._model(config))

    def _model(self, config: Config) -> SentenceTransformer:
        key = _weights(config.model)
        if key not in self._models:
            self._models[key] = _tried_model(config)
        return self._models[key]


def prepare(config: Config, *, trains: bool = True) -> Bench:
    """Read the data and load the base model.

    Args:
        config: Of the trial.
        trains: False where it was trained before, perhaps on another machine, and is only measured.

    Raises:
        UserError: With every problem of the data, the model and the dimensions, before any weight is loaded.
    """
    problems: list[str] = []
    task = None
    try:
        task = load_task(config.data)
        problems += [*_missing_parts(task), *columns_problems(config, task.training)]
        problems += folds_problems(task.training, config.eval.folds) if config.eval.folds and task.training else []
    except DataError as error:
        problems.append(str(error))
    measured = replace(config, train=replace(config.train, precision=Precision.auto))
    problems += device_problems(config if trains else measured)
    try:
        dim = known_dimension(config.model)
        problems += dims_problems(config, dim) if dim else []
    except UserError as error:
        problems.append(str(error))
    if task is not None and "validation" in task.splits:
        task = judged_task(task, config.eval)
        problems += corpus_problems(task.splits["validation"], config.eval)
    if problems or task is None:
        raise ConfigError(join_problems(problems))
    for warning in unread_scores(config, task.training):
        logger.warning("%s", warning)
    folds = make_folds(task.training, config.eval.folds) if config.eval.folds else ()
    model = _tried_model(config)
    if trains and (problems := list(model_problems(model, config))):
        raise ConfigError(join_problems(problems))
    return Bench.of(config, task, model, folds)


def judged_task(task: TaskData, evaluation: EvalConfig) -> TaskData:
    """The task as a study is judged on it: ``eval.distractors`` are in the validation corpus."""
    if evaluation.distractors != Distractors.train or "validation" not in task.splits:
        return task
    judged = add_distractors(task.splits["validation"], task.training)
    return replace(task, splits={**task.splits, "validation": judged})


def _tried_model(config: Config) -> SentenceTransformer:
    from embedtune.models.probe import probe_model

    model = load_model(config.model, "cpu")
    probe_model(model, config.model)
    return model


def _weights(config: ModelConfig) -> str:
    """Equal for configurations that load the same weights in the same way; prompts are set afterwards."""
    return repr(replace(config, prompts=PromptsConfig(), learning_rates=LearningRatesConfig()))


def full_dimension(model: SentenceTransformer) -> int:
    """The size of a model's embedding."""
    return int(model.get_embedding_dimension())


def _missing_parts(task: TaskData) -> list[str]:
    problems = []
    if not task.training:
        problems.append(f"data must have rows to train on, but {task.source} has none. Add a train split.")
    if "validation" not in task.splits:
        problems.append(
            f"data must have a validation split, but {task.source} has {', '.join(task.splits) or 'none'}. "
            "Name its file: data.splits.validation=FILE."
        )
    return problems
