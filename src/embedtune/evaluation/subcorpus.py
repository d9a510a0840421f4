"""A part of a large corpus in which models rank much as in all of it: what is judged, the hardest distractors, others.

Hard negatives of BM25 and of models are pooled as for the reduced retrieval tasks of MMTEB (Enevoldsen et al. 2025,
"MMTEB: Massive Multilingual Text Embedding Benchmark").
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from embedtune.config import EvalConfig
from embedtune.errors import must
from embedtune.evaluation.lexical import rank_bm25
from embedtune.evaluation.retrieval import Encoder
from embedtune.records import RetrievalSet

HARD_RANKS = 100
"""As deep as the deepest usual metric."""
HARD_SHARE = 0.75
"""Of the room beside the judged passages, at most so much is for the hardest, by rank; the rest is drawn."""


def corpus_problems(retrieval: RetrievalSet, evaluation: EvalConfig) -> Iterator[str]:
    """Why no corpus of ``eval.corpus`` passages can be drawn; nothing where it can."""
    needed = len(judged_passages(retrieval))
    if evaluation.corpus is not None:
        yield from must(
            evaluation.corpus >= needed, "eval.corpus",
            f"be at least {needed}, the judged passages of the validation split", evaluation.corpus,
            f"Its corpus has {len(retrieval.corpus)}; null searches all of it.",
        )  # fmt: skip


def judged_passages(retrieval: RetrievalSet) -> set[str]:
    """The passages of the corpus that are relevant to a query, or have a grade."""
    found = {passage for passages in retrieval.relevant.values() for passage in passages}
    found.update(passage for grades in retrieval.grades.values() for passage in grades)
    return found & retrieval.corpus.keys()


def narrowed(retrieval: RetrievalSet, passages: Sequence[str]) -> RetrievalSet:
    """The same queries in a corpus of these passages."""
    corpus = {passage: retrieval.corpus[passage] for passage in passages}
    return replace(retrieval, corpus=corpus, own=retrieval.own & corpus.keys())


def hardest(encoder: Encoder, retrieval: RetrievalSet, batch_size: int, *, cosine: bool) -> list[NDArray[np.int64]]:
    """The first passages for each query by a model and by BM25, best first, by their position in the order of ids.

    Args:
        encoder: The model.
        retrieval: Queries and corpus.
        batch_size: Texts encoded at once.
        cosine: Whether the model ranks by cosine; otherwise by dot product.
    """
    from embedtune.evaluation.ranking import id_positions, own_positions, rank_passages

    queries = encoder.encode_query(
        list(retrieval.queries.values()), batch_size=batch_size, convert_to_tensor=True, show_progress_bar=False
    )
    corpus = encoder.encode_document(
        list(retrieval.corpus.values()), batch_size=batch_size, convert_to_tensor=True, show_progress_bar=False
    )
    positions = id_positions(list(retrieval.corpus))
    ranked = rank_passages(
        queries, corpus, positions.to(corpus.device), cosine=cosine, depth=HARD_RANKS, chunk_size=50_000,
        left_out=own_positions(retrieval, positions),
    )  # fmt: skip
    return [ranked.cpu().numpy(), rank_bm25(retrieval, positions.numpy(), HARD_RANKS)]


def draw(
    retrieval: RetrievalSet, size: int, rankings: Sequence[NDArray[np.int64]], key: Callable[[str], str]
) -> list[str]:
    """Ids of ``size`` passages, sorted: those judged, the hardest rank by rank, then those of the lowest keys. Pure.

    Args:
        retrieval: Queries and corpus.
        size: At least as many as are judged.
        rankings: From :func:`hardest`.
        key: Text to a random key, so that what is drawn depends on texts alone.
    """
    chosen = dict.fromkeys(sorted(judged_passages(retrieval)))
    ids = sorted(retrieval.corpus)
    full = len(chosen) + int(HARD_SHARE * (size - len(chosen)))
    columns = itertools.zip_longest(*(ranking.T for ranking in rankings))
    places = (int(place) for ranks in columns for column in ranks if column is not None for place in column)
    for place in places:
        if len(chosen) >= full:
            break
        chosen.setdefault(ids[place])
    others = sorted((passage for passage in ids if passage not in chosen), key=lambda own: key(retrieval.corpus[own]))
    return sorted([*chosen, *others[: size - len(chosen)]])
