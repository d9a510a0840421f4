"""Measure the product beside the untuned model and the incumbent, and let the gate judge it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embedtune import archive
from embedtune.errors import DataError
from embedtune.evaluation import Measures, read_scores, score_embeddings
from embedtune.ranking import best_untuned, is_scored, untuned_of
from embedtune.records import Metrics, RetrievalScores, TrialRecord
from embedtune.release.choice.candidates import Incumbent
from embedtune.release.choice.case import TEST, VALIDATION, Case
from embedtune.release.gate.gate import Verdict, judge
from embedtune.release.gate.quantise import through_binary, through_int8
from embedtune.release.gate.sizes import Precision, Size, SizeReport, judge_sizes
from embedtune.statistics import Criterion
from embedtune.trial.bench import full_dimension

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

RELEASED = "released"
UNTUNED = "untuned"
BEST_UNTUNED = "best-untuned"
INCUMBENT = "incumbent"


@dataclass(frozen=True)
class Measured:
    """Scores of the models a release is about, on every evaluation split.

    Attributes:
        scores: ``released``, ``untuned`` for its own base model, and as far as there are any ``best-untuned``, where
            that is another base model, and ``incumbent`` -> split -> scores.
        judge: The split that judges.
        groups: Of its queries, of shape (queries,).
        best_untuned: Name of the base model that is the best one untuned, where that is another.
    """

    scores: Mapping[str, Mapping[str, RetrievalScores]]
    judge: str
    groups: NDArray[np.intp]
    best_untuned: str | None = None

    def metrics(self, role: str) -> dict[str, Metrics]:
        """Split -> means over queries."""
        return {split: scores.metrics for split, scores in self.scores[role].items()}


def measure_all(
    case: Case,
    record: TrialRecord,
    model: SentenceTransformer,
    validated: RetrievalScores,
    incumbent: Incumbent | None,
) -> Measured:
    """Score the model beside those it is compared with; this reads the test split, if there is one.

    Args:
        case: What is decided on.
        record: The trial that may be released.
        model: Its model.
        validated: Its scores on validation.
        incumbent: The model in use, if there is one.
    """
    splits = [VALIDATION, TEST] if case.has_test else [VALIDATION]
    rival = _rival(case, record)
    others: dict[str, Callable[[], SentenceTransformer]] = {UNTUNED: partial(case.load, None)}
    if rival is not None:
        others[BEST_UNTUNED] = partial(case.load_untuned, rival)
    if incumbent is not None:
        others[INCUMBENT] = partial(case.load, incumbent.folder)
    scores = {RELEASED: {split: validated if split == VALIDATION else case.measure(model, split) for split in splits}}
    for role, load in others.items():
        other = load()  # one at a time is in memory
        scores[role] = {split: case.measure(other, split) for split in splits}
    return Measured(scores, splits[-1], case.groups(splits[-1]), rival.base[0] if rival else None)


def _rival(case: Case, record: TrialRecord) -> TrialRecord | None:
    """The untuned base model that validation found best, where that is another than the trial's own."""
    baselines = archive.read_baselines(case.study)
    best, own = best_untuned(baselines), untuned_of(record, baselines)
    return best if best is not None and best != own else None


def judge_product(case: Case, measured: Measured, records: Sequence[TrialRecord], criterion: Criterion) -> Verdict:
    """The gate on the test split; without one on validation, adjusted for every trial that was scored there."""
    values = {role: case.values(scores[measured.judge]) for role, scores in measured.scores.items()}
    tried = None if measured.judge == TEST else _tried(case, measured, records)
    untuned = {"untuned model": values[UNTUNED]}
    if measured.best_untuned is not None:
        untuned[f"best untuned model, {measured.best_untuned}"] = values[BEST_UNTUNED]
    return judge(
        values[RELEASED],
        untuned,
        measured.groups,
        incumbent=values.get(INCUMBENT),
        tried=tried,
        criterion=criterion,
    )


def measure_sizes(case: Case, model: SentenceTransformer, measured: Measured, criterion: Criterion) -> SizeReport:
    """Every size of the product's embeddings in float32, int8 and binary, on the split that judges."""
    retrieval = case.bench.task.splits[measured.judge]
    full, floats = full_dimension(model), measured.scores[RELEASED][measured.judge]
    queries, corpus = (
        encode(list(texts.values()), batch_size=case.recipe.eval.batch_size, convert_to_tensor=True,
               show_progress_bar=False).float()
        for encode, texts in (
            (model.encode_query, retrieval.queries), (model.encode_document, retrieval.corpus),
        )
    )  # fmt: skip
    cosine = case.objective.startswith("cosine")
    sizes = []
    for dim in sorted((dim for dim in floats.per_query if dim <= full), reverse=True):
        sizes.append(Size(dim, Precision.FLOAT32, floats.per_query[dim][case.objective]))
        part = corpus[:, :dim]
        part = part / part.norm(dim=-1, keepdim=True).clamp_min(1e-12) if cosine else part
        for precision, stored in ((Precision.INT8, through_int8(part)), (Precision.BINARY, through_binary(part))):
            scores = score_embeddings(
                queries[:, :dim], stored, retrieval, [dim], measures=Measures.of(case.recipe.eval)
            )
            sizes.append(Size(dim, precision, scores.per_query[dim][case.objective]))
    return judge_sizes(sizes, measured.groups, replace(criterion, margin=case.options.dim_margin))


def _tried(case: Case, measured: Measured, records: Sequence[TrialRecord]) -> dict[str, NDArray[np.float64]]:
    """The recorded validation scores of every trial on the same queries."""
    queries, found = measured.scores[UNTUNED][VALIDATION].query_ids, {}
    for record in filter(is_scored, records):
        try:
            scores = read_scores(case.study.trial(record.number).scores, case.objective)
        except DataError:
            continue  # said when the candidates were gathered
        if scores.query_ids == queries and case.is_measured(scores):
            found[f"trial {record.number}"] = case.values(scores)
    return found
