"""The inputs of a model card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from embedtune.config.rules.evaluation import OBJECTIVES
from embedtune.records import (
    CORPUS_DIGEST,
    PARAMETERS,
    PROMPTS,
    Evaluation,
    Metrics,
    RetrievalSet,
    State,
    StudyDefinition,
    TrainingFacts,
    TrialRecord,
)
from embedtune.release.card.markdown import code, inline
from embedtune.release.gate.decision import Decision
from embedtune.release.gate.onnx_report import OnnxReport
from embedtune.release.gate.words import split_words
from embedtune.typed import Document

PUBLISHED = {"minilm": "sentence-transformers/all-MiniLM-L6-v2"}
"""Short names of packaged models and the hub id each was published under."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


WIDGETS = 5
"""Queries shown."""
OTHERS = 2
"""Passages shown beside the one that answers."""

Example = tuple[str, tuple[str, ...]]
"""A query, and passages of which the first answers it."""


@dataclass(frozen=True)
class SearchSummary:
    """The search behind a release.

    Attributes:
        definition: Of the study.
        states: How many trials are in each state.
        seconds: Of all trials.
        leakage: What was found in more than one split of the data, in sentences.
    """

    definition: StudyDefinition
    states: Mapping[State, int]
    seconds: float
    leakage: tuple[str, ...]

    def to_dict(self) -> Document:
        """Plain types for JSON."""
        data = self.definition.data
        return {
            **self.definition.to_dict(),
            "states": {state.value: count for state, count in self.states.items() if count},
            "seconds": self.seconds,
            "data": {"name": data.name, "source": data.source, "digests": dict(data.digests)},
            "leakage": list(self.leakage),
        }


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
        search: What the model was found by.
        examples: Queries with passages, from the evaluation data.
        decision: Why this model and no other; None leaves the section out.
        parts: The trials whose weights this model is the average of; empty if it is one trial's.
        license: As hubs name it; None if nobody said.
        languages: Codes of the languages of the texts.
        onnx: What was measured of the ONNX file; None without one.
    """

    name: str
    record: TrialRecord
    facts: TrainingFacts
    evaluations: tuple[Evaluation, ...]
    scores: Mapping[str, Metrics]
    baseline: Mapping[str, Metrics]
    objective: str
    search: SearchSummary
    examples: tuple[Example, ...]
    decision: Decision | None = None
    parts: tuple[int, ...] = ()
    license: str | None = None
    languages: tuple[str, ...] = ()
    onnx: OnnxReport | None = None

    @property
    def usage(self) -> tuple[str, str, str]:
        """A query, a passage that answers it and another passage."""
        query, passages = self.examples[0]
        answer, other = (*passages, *passages)[:2]
        return query, answer, other

    @property
    def dims(self) -> list[int]:
        """The measured sizes of an embedding, largest first."""
        return sorted({int(dim) for metrics in self.scores.values() for dim in metrics}, reverse=True)

    @property
    def metrics(self) -> list[str]:
        """The measured metrics: the usual ones, then those of further cutoffs."""
        found = [metric for scores in self.scores.values() for values in scores.values() for metric in values]
        return list(dict.fromkeys([*OBJECTIVES, *found]))

    @property
    def model_lines(self) -> list[tuple[str, str]]:
        """Names and Markdown of parameters, mined negatives and prompts, as far as they were recorded."""
        parameters, prompts = self.record.facts.get(PARAMETERS), self.record.facts.get(PROMPTS, {})
        lines = [("Parameters", f"{parameters:,}")] if parameters else []
        lines += [("Mined negatives", inline(self.record.negatives))] if self.record.negatives else []
        return [*lines, *((f"{role.capitalize()} prompt", code(prompt)) for role, prompt in prompts.items())]

    @property
    def searched_corpus(self) -> str | None:
        """How much of the validation corpus was searched, with ``eval.corpus``; None for all of it."""
        facts = self.record.facts
        if facts.get(CORPUS_DIGEST) is None:
            return None
        return f"{facts['corpus_passages']:,} of {facts['corpus_whole']:,} passages"

    @property
    def objective_dim(self) -> int:
        """The size at which the search read its objective."""
        return self.record.dim or self.facts.dimension

    @property
    def shown_dim(self) -> int:
        """That size, or the exported model's own where it was cut below it."""
        return min(self.objective_dim, self.facts.dimension)

    @property
    def searched_on(self) -> str | None:
        """The data whose scores the search maximised; None if nobody said."""
        return None if self.decision is None else split_words(self.decision.chosen_on)

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


def examples_of(retrieval: RetrievalSet) -> tuple[Example, ...]:
    """Up to five queries, each with a passage that answers it and up to two that do not; the same for the same data."""
    ids = list(retrieval.corpus)
    stride = max(1, len(retrieval.queries) // WIDGETS)
    examples = []
    for position, query in enumerate(list(retrieval.queries)[::stride][:WIDGETS]):
        relevant = sorted(retrieval.relevant[query])
        start = (position + 1) * len(ids) // (WIDGETS + 1)
        others = [other for other in [*ids[start:], *ids[:start]] if other not in retrieval.relevant[query]][:OTHERS]
        examples.append((retrieval.queries[query], tuple(retrieval.corpus[i] for i in (relevant[0], *others))))
    return tuple(examples)
