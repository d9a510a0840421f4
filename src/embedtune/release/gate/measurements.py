"""Measure the product beside the untuned model and the incumbent, and let the gate judge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embedtune.errors import DataError
from embedtune.evaluation import read_scores, score_embeddings
from embedtune.ranking import is_scored
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
INCUMBENT = "incumbent"


@dataclass(frozen=True)
class Measured:
    """Scores of the models a release is about, on every evaluation split.

    Attributes:
        scores: ``released``, ``untuned`` and, if there is one, ``incumbent`` -> split -> scores.
        judge: The split that judges.
        groups: Of its queries, of shape (queries,).
    """

    scores: Mapping[str, Mapping[str, RetrievalScores]]
    judge: str
    groups: NDArray[np.intp]

    def metrics(self, role: str) -> dict[str, Metrics]:
        """Split -> means over queries."""
        return {split: scores.metrics for split, scores in self.scores[role].items()}


def measure_all(
    case: Case, model: SentenceTransformer, validated: RetrievalScores, incumbent: Incumbent | None
) -> Measured:
    """Score the three models; this reads the test split, if there is one.

    Args:
        case: What is decided on.
        model: The one that may be released.
        validated: Its scores on validation.
        incumbent: The model in use, if there is one.
    """
    splits = [VALIDATION, TEST] if case.has_test else [VALIDATION]
    read = {split: validated if split == VALIDATION else case.measure(model, split) for split in splits}
    scores = {RELEASED: read}
    for role, folder in {UNTUNED: None, **({INCUMBENT: incumbent.folder} if incumbent else {})}.items():
        other = case.load(folder)
        scores[role] = {split: case.measure(other, split) for split in splits}
    return Measured(scores, splits[-1], case.groups(splits[-1]))


def judge_product(case: Case, measured: Measured, records: Sequence[TrialRecord], criterion: Criterion) -> Verdict:
    """The gate on the test split; without one on validation, adjusted for every trial that was scored there."""
    values = {role: case.values(scores[measured.judge]) for role, scores in measured.scores.items()}
    tried = None if measured.judge == TEST else _tried(case, measured, records)
    return judge(
        values[RELEASED],
        values[UNTUNED],
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
            scores = score_embeddings(queries[:, :dim], stored, retrieval, [dim])
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
        if scores.query_ids == queries and case.dim in scores.per_query:
            found[f"trial {record.number}"] = case.values(scores)
    return found
