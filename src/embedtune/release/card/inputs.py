"""What a model card is written from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from embedtune.records import Evaluation, Metrics, TrainingFacts, TrialRecord
from embedtune.release.gate.words import split_words

PUBLISHED = {"minilm": "sentence-transformers/all-MiniLM-L6-v2"}
"""Short names of packaged models and the hub id each was published under."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class CardInputs:
    """Everything a card says; all of it recorded or measured before.

    Attributes:
        name: Of the release.
        record: The chosen trial.
        facts: What it was trained on and how.
        evaluations: Every evaluation of the trial, in order of step.
        scores: Split -> metrics, measured on the exported model.
        baseline: The same for the untuned base model; a split may be absent.
        objective: The metric the search maximised, e.g. ``cosine_map@100``.
        study: The search: ``name``, ``n_trials``, ``states`` (state -> count), ``space`` (key -> range as text),
            ``sampler``, ``pruner``, ``objective``, ``seconds``, ``data`` (``name``, ``source``, ``digests``).
            ``leakage`` (texts). A key that is absent or None is left out of the card.
        usage: A query, a passage that answers it and another passage.
        widget: Queries with three passages each, the relevant one first.
        decision: Why this model and no other, as the command answers it; None leaves the section out.
        parts: The trials whose weights this model is the average of; empty if it is one trial's.
        license: As hubs name it; None if nobody said.
        languages: Codes of the languages of the texts.
        onnx: What was measured of the ONNX file, as :class:`~embedtune.release.export.onnx_gate.OnnxReport` writes it.
    """

    name: str
    record: TrialRecord
    facts: TrainingFacts
    evaluations: tuple[Evaluation, ...]
    scores: Mapping[str, Metrics]
    baseline: Mapping[str, Metrics]
    objective: str
    study: Mapping[str, Any]
    usage: tuple[str, str, str]
    widget: tuple[tuple[str, tuple[str, ...]], ...]
    decision: Mapping[str, Any] | None = None
    parts: tuple[int, ...] = ()
    license: str | None = None
    languages: tuple[str, ...] = ()
    onnx: Mapping[str, Any] | None = None

    @property
    def dims(self) -> list[int]:
        """The measured sizes of an embedding, largest first."""
        return sorted({int(dim) for metrics in self.scores.values() for dim in metrics}, reverse=True)

    @property
    def objective_dim(self) -> int:
        """The size at which the search read its objective."""
        return int(self.record.facts.get("dim") or self.facts.dimension)

    @property
    def shown_dim(self) -> int:
        """That size, or the exported model's own where it was cut below it."""
        return min(self.objective_dim, self.facts.dimension)

    @property
    def searched_on(self) -> str | None:
        """The data whose scores the search maximised; None if nobody said."""
        return None if self.decision is None else split_words(self.decision["selection"]["split"])

    @property
    def hub_id(self) -> str | None:
        """The base model's id on the hub; None for a folder or a model made on the spot."""
        name = PUBLISHED.get(self.facts.base_model, self.facts.base_model)
        return name if _HUB_ID.fullmatch(name) else None

    @property
    def base_name(self) -> str:
        """The base model as the card calls it: a card is for others, so of a folder only its own name."""
        return self.hub_id or PurePath(self.facts.base_model).name or self.facts.base_model

    @property
    def title(self) -> str:
        """The card's heading, also the model's name in its metadata."""
        return f"SentenceTransformer based on {self.base_name}"

    @property
    def rows(self) -> int:
        """Training rows of all sets together."""
        return sum(dataset.size for dataset in self.facts.datasets)

    def tuned(self, split: str, dim: int, metric: str) -> float | None:
        """A score of the exported model; None where it was not measured."""
        return self.scores.get(split, {}).get(str(dim), {}).get(metric)

    def untuned(self, split: str, dim: int, metric: str) -> float | None:
        """The same score of the untuned base model."""
        return self.baseline.get(split, {}).get(str(dim), {}).get(metric)
