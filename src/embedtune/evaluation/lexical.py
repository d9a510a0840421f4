"""BM25, the yardstick that needs no model, by bm25s.

Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond".
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from embedtune.evaluation.judgements import Judgements
from embedtune.evaluation.metrics import USUAL, Measures
from embedtune.records import RetrievalSet


def score_bm25(retrieval: RetrievalSet, measures: Measures = USUAL) -> dict[str, float]:
    """Means over queries of the metrics, without a similarity in their names.

    Words are those of the texts in lower case; none is stemmed or left out, because the language is not known. Equal
    scores are ranked by ascending passage id, as everywhere.
    """
    positions = np.argsort(np.argsort(np.array(list(retrieval.corpus), dtype=object)))
    ranked = rank_bm25(retrieval, positions, measures.depth)
    found = Judgements.of(retrieval, positions, measures).measure(ranked)
    return {name: float(values.mean()) for name, values in found.items()}


def rank_bm25(retrieval: RetrievalSet, positions: NDArray[np.intp], depth: int) -> NDArray[np.int64]:
    """The first ``depth`` passages for each query, best first, by their positions in the order of ids.

    Args:
        retrieval: Queries and corpus.
        positions: Where each passage stands among all sorted by id, of shape (passages,).
        depth: Ranks kept.
    """
    import bm25s

    index = bm25s.BM25()
    passages, words = list(retrieval.corpus), [_words(text) for text in retrieval.corpus.values()]
    if any(words):  # an index of texts without words is refused
        index.index(words, show_progress=False)
    vocabulary = index.vocab_dict if any(words) else {}
    place_of = {passage: place for place, passage in enumerate(passages)}
    ranked = np.zeros((len(retrieval.queries), min(depth, len(passages))), dtype=np.int64)
    for row, (query, text) in enumerate(retrieval.queries.items()):
        known = [word for word in _words(text) if word in vocabulary]
        scores = index.get_scores(known) if known else np.zeros(len(passages), dtype=np.float32)
        if query in retrieval.own:
            scores[place_of[query]] = -np.inf
        ranked[row] = _best(scores, positions, ranked.shape[1])
    return ranked


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _best(scores: NDArray[np.float32], positions: NDArray[np.intp], depth: int) -> NDArray[np.intp]:
    """Positions of the passages with the ``depth`` largest scores, best first; of equal ones the lowest first."""
    least = np.partition(scores, len(scores) - depth)[len(scores) - depth]
    places = np.flatnonzero(scores >= least)
    return positions[places[np.lexsort((positions[places], -scores[places]))]][:depth]
