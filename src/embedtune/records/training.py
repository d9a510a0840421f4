"""Training data and method of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedtune import typed


@dataclass(frozen=True)
class DatasetFacts:
    """One training set as a model card describes it.

    Attributes:
        name: Of the training set.
        size: Rows.
        statistics: Column -> ``min``, ``mean`` and ``max`` tokens.
        samples: The first rows, column -> text.
    """

    name: str
    size: int
    statistics: Mapping[str, Mapping[str, float]]
    samples: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class TrainingFacts:
    """Training data and method: ``training.json``, the source of the model card.

    Attributes:
        losses: Class names, outermost first, e.g. MatryoshkaLoss, MultipleNegativesRankingLoss.
        loss_parameters: Parameters of the outermost loss, as its ``get_config_dict`` gives them.
        citations: Loss class name -> BibTeX.
        hyperparameters: Every training argument and its value.
        non_default: The keys of those that differ from the library's defaults.
        datasets: The training sets.
        architecture: The model's ``str()``.
        base_model: What was fine-tuned: a hub id or a short name.
        base_revision: Its revision, where there is one.
        dimension: Full size of an embedding.
        max_seq_length: Tokens.
        similarity: The model's similarity function.
        device: The type and, where it has one, the name.
        precision: bf16, fp16 or fp32.
        versions: Library -> version.
    """

    losses: tuple[str, ...]
    loss_parameters: Mapping[str, Any]
    citations: Mapping[str, str]
    hyperparameters: Mapping[str, Any]
    non_default: tuple[str, ...]
    datasets: tuple[DatasetFacts, ...]
    architecture: str
    base_model: str
    base_revision: str | None
    dimension: int
    max_seq_length: int
    similarity: str
    device: str
    precision: str
    versions: Mapping[str, str]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingFacts:
        """From the JSON of ``dataclasses.asdict``; keys of newer versions are left out.

        Raises:
            ValueError: It is something else.
        """
        return typed.read(cls, values, unknown=True)
