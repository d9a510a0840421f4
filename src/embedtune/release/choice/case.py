"""The basis of a release decision: the study, its data and base model, and how a model is measured for it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embedtune import archive
from embedtune.config import Config, Dtype, ModelConfig, ReleaseConfig, measured_dims
from embedtune.data.digest import require_same
from embedtune.errors import ConfigError
from embedtune.evaluation import Measures, evaluate_retrieval, read_scores
from embedtune.models.load import load_model
from embedtune.paths import StudyPaths, TrialPaths
from embedtune.records import CORPUS_DIGEST, RetrievalScores, StudyDefinition, TrialRecord
from embedtune.statistics import query_groups
from embedtune.training import resolve_device
from embedtune.trial.bench import Bench, Benches, full_dimension, prepare
from embedtune.trial.corpus import judged_bench

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

VALIDATION = "validation"
TEST = "test"


@dataclass(frozen=True)
class Case:
    """A study to release from, with its data read and its base model loaded.

    Attributes:
        study: Its files.
        definition: Its ``study.yaml``.
        recipe: The configuration of one of its trials: data, evaluation and base model.
        bench: Data and untuned model; with ``eval.corpus`` validation has the passages that the trials searched, the
            test split all of its own.
        device: Where models are measured.
        dim: The size of embedding at which everything is judged; None: each model at its own full size.
        options: ``release.*``.
    """

    study: StudyPaths
    definition: StudyDefinition
    recipe: Config
    bench: Bench
    device: str
    dim: int | None
    options: ReleaseConfig

    @property
    def objective(self) -> str:
        """The metric the study maximised."""
        return self.recipe.eval.objective

    @property
    def has_test(self) -> bool:
        """Whether there is a sealed split to judge on."""
        return TEST in self.bench.task.splits

    @property
    def has_folds(self) -> bool:
        """Whether trials were scored by cross-validation over the training queries."""
        return self.recipe.eval.folds >= 2

    def of(self, number: int) -> Case:
        """The case with the base model of one trial, where the study searches over base models."""
        trusted = self.recipe.model.trust_remote_code
        recipe = archive.read_recipe(self.study.trial(number), trust_remote_code=trusted)
        recipe.train.device = self.recipe.train.device
        return replace(self, recipe=recipe, bench=Benches(self.recipe, self.bench).get(recipe))

    def groups(self, split: str) -> NDArray[np.intp]:
        """The group of each query of a split, in order; what older versions recorded does not say it."""
        retrieval = self.bench.task.splits[split]
        return query_groups({query: retrieval.relevant[query] for query in retrieval.queries})

    def load(self, folder: Path | None) -> SentenceTransformer:
        """A model ready to be measured; None is the untuned one."""
        config = self.recipe.model if folder is None else ModelConfig(name=str(folder), dtype=Dtype.auto)
        return load_model(config, self.device)

    def load_untuned(self, record: TrialRecord) -> SentenceTransformer:
        """An untuned base model that the study measured."""
        trusted = self.recipe.model.trust_remote_code
        recipe = archive.read_recipe(self.study.of(record.name), trust_remote_code=trusted)
        return load_model(recipe.model, self.device)

    def measure(self, model: SentenceTransformer, split: str) -> RetrievalScores:
        """Score a model on a split at every size the study measured, as far as the model has them."""
        full = full_dimension(model)
        asked = {*measured_dims(self.recipe, self.bench.dim), self.dim or full, full}
        dims = sorted((dim for dim in asked if dim <= full), reverse=True)
        own = self.recipe.eval
        data = self.bench.task.splits[split]
        return evaluate_retrieval(model, data, dims, batch_size=own.batch_size, measures=Measures.of(own))

    def values(self, scores: RetrievalScores) -> NDArray[np.float64]:
        """The objective of each query at the size of the decision, or at the model's own full size."""
        return scores.per_query[self.dim_of(scores)][self.objective]

    def dim_of(self, scores: RetrievalScores) -> int:
        """The size at which these scores are judged."""
        full = max(scores.per_query)
        return min(self.dim or full, full)

    def is_measured(self, scores: RetrievalScores) -> bool:
        """Whether there are scores at that size."""
        return self.dim_of(scores) in scores.per_query

    def recorded(self, trial: TrialPaths) -> RetrievalScores:
        """The scores that ranked the trials: those of the folds, or those on validation."""
        return read_scores(trial.folds if self.has_folds else trial.scores, self.objective)


def open_case(
    study: StudyPaths, definition: StudyDefinition, record: TrialRecord, config: Config, recipe: Config
) -> Case:
    """Read the data and load the base model as a trial recorded them.

    Args:
        study: Its files.
        definition: Its ``study.yaml``.
        record: One of the trials that may be released.
        config: Of this command: ``release.*`` and the device.
        recipe: The configuration of that trial, with its data where it is now.

    Raises:
        ConfigError: ``release.dim`` or ``release.soup`` does not fit the study.
        DataError: The data changed since.
    """
    options, device = config.release, config.train.device
    recipe.train.device = device
    bench = prepare(recipe, trains=options.seeds > 0)
    dims = measured_dims(recipe, bench.dim)
    if options.dim is not None and options.dim not in dims:
        raise ConfigError(f"release.dim must be one of the measured {dims}, but got {options.dim}. Take one of them.")
    if options.soup and recipe.eval.folds >= 2:
        raise ConfigError(
            "release.soup must be false with eval.folds, but got true: an average of weights that saw every fold has "
            "no score of queries it was not trained on. Remove release.soup."
        )
    require_same(record.facts.get("digests", {}), bench.task.digests)
    bench = judged_bench(recipe, bench, study, record.facts.get(CORPUS_DIGEST))
    if bench.drawn and TEST not in bench.task.splits:
        logger.warning("Without a test split the release is judged in the passages of eval.corpus, as the trials were")
    dim = options.dim or (None if recipe.eval.dim is None else definition.objective.dim)
    return Case(study, definition, recipe, bench, resolve_device(device), dim, options)
