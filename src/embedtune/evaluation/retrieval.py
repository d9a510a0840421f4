"""Encode queries and corpus once, then rank and measure at every embedding size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from embedtune.config.rules.evaluation import OBJECTIVES, SIMILARITIES
from embedtune.errors import ConfigError, TrialError, join_problems
from embedtune.evaluation.judgements import Judgements
from embedtune.evaluation.metrics import USUAL, Measures, Values
from embedtune.records import RetrievalScores, RetrievalSet

if TYPE_CHECKING:
    from torch import Tensor

METRIC_NAMES = OBJECTIVES
"""``cosine_accuracy@1`` to ``dot_map@100``, in the order of a model card."""


class Encoder(Protocol):
    """The part of a ``SentenceTransformer`` that evaluation needs; it adds the prompts of queries and documents."""

    def encode_query(
        self, inputs: list[str], *, batch_size: int, convert_to_tensor: Literal[True], show_progress_bar: bool
    ) -> Tensor:
        """Embeddings of shape (inputs, full size)."""
        ...

    def encode_document(
        self, inputs: list[str], *, batch_size: int, convert_to_tensor: Literal[True], show_progress_bar: bool
    ) -> Tensor:
        """Embeddings of shape (inputs, full size)."""
        ...


def evaluate_retrieval(
    encoder: Encoder,
    retrieval: RetrievalSet,
    dims: Sequence[int],
    *,
    batch_size: int = 32,
    chunk_size: int = 50_000,
    measures: Measures = USUAL,
) -> RetrievalScores:
    """Score an encoder at every size of ``dims`` from one encoding pass.

    Args:
        encoder: A ``SentenceTransformer``; its weights are not changed.
        retrieval: Queries, corpus and relevance.
        dims: Embeddings are cut to their first ``dim`` values.
        batch_size: Texts encoded at once.
        chunk_size: Passages scored at once, see :func:`score_embeddings`.
        measures: Which metrics, and what a grade is worth.

    Raises:
        ConfigError: A dimension that the embeddings do not have.
        TrialError: The encoder gives NaN or infinite values.
    """
    encoder = _with_tokens(encoder)
    queries = encoder.encode_query(
        list(retrieval.queries.values()), batch_size=batch_size, convert_to_tensor=True, show_progress_bar=False
    )
    corpus = encoder.encode_document(
        list(retrieval.corpus.values()), batch_size=batch_size, convert_to_tensor=True, show_progress_bar=False
    )
    return score_embeddings(queries, corpus, retrieval, dims, chunk_size=chunk_size, measures=measures)


def _with_tokens(encoder: Encoder) -> Encoder:
    """The same model, but every text is tokenised once in this process."""
    from sentence_transformers import SentenceTransformer

    from embedtune.models.encoder import TokenEncoder

    return TokenEncoder(encoder) if isinstance(encoder, SentenceTransformer) else encoder


def score_embeddings(
    queries: Tensor,
    corpus: Tensor,
    retrieval: RetrievalSet,
    dims: Sequence[int],
    *,
    chunk_size: int = 50_000,
    measures: Measures = USUAL,
) -> RetrievalScores:
    """Rank the corpus for each query by cosine and by dot product, and measure, at every size of ``dims``.

    Equal to sentence-transformers' ``InformationRetrievalEvaluator`` with ``truncate_dim``; with grades to
    trec_eval, and so where passages are left out of a query's ranking.

    Args:
        queries: Embeddings of shape (queries, full size), in the order of ``retrieval.queries``.
        corpus: Embeddings of shape (passages, full size), in the order of ``retrieval.corpus``, on the same device.
        retrieval: The ids and the relevance; texts are not read.
        dims: Embeddings are cut to their first ``dim`` values; cosine scales the rest to length 1 again.
        chunk_size: Passages scored at once: the scores take queries x chunk_size values of memory.
        measures: Which metrics, and what a grade is worth.

    Raises:
        ConfigError: A dimension that the embeddings do not have.
        DataError: A grade too high for exponential gains.
        TrialError: NaN, infinite or overflowing values, which would be ranked all the same.
    """
    from embedtune.evaluation.ranking import id_positions, own_positions, rank_passages

    _check_dims(dims, queries.shape[1])
    _check_finite("queries", queries)
    _check_finite("passages", corpus)
    positions = id_positions(list(retrieval.corpus))
    judgements = Judgements.of(retrieval, positions.numpy(), measures)
    left_out = own_positions(retrieval, positions)
    positions = positions.to(corpus.device)
    per_query: dict[int, dict[str, Values]] = {}
    for dim in sorted(set(dims), reverse=True):
        per_query[dim] = {}
        for similarity in SIMILARITIES:
            ranked = rank_passages(
                queries[:, :dim],
                corpus[:, :dim],
                positions,
                cosine=similarity == "cosine",
                depth=measures.depth,
                chunk_size=chunk_size,
                left_out=left_out,
            )
            metrics = judgements.measure(ranked.cpu().numpy())
            per_query[dim] |= {f"{similarity}_{name}": values for name, values in metrics.items()}
    return RetrievalScores(tuple(retrieval.queries), per_query)


def _check_dims(dims: Sequence[int], full: int) -> None:
    wrong = [dim for dim in dims if not 0 < dim <= full]
    if wrong:
        raise ConfigError(
            join_problems(
                f"loss.matryoshka.dims must be from 1 to the model's {full}, but got {dim}. Remove it." for dim in wrong
            )
        )


def _check_finite(name: str, embeddings: Tensor) -> None:
    # The square of the norm bounds every score, so that a finite one leaves no overflow to the dot products.
    wrong = int((~embeddings.float().norm(dim=-1).square().isfinite()).sum())
    if wrong:
        raise TrialError(
            f"embeddings must be finite, but got NaN, infinite or overflowing values in {wrong} of {len(embeddings)} "
            f"{name}. Lower train.learning_rate or set train.precision=fp32."
        )
