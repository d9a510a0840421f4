"""BM25, the yardstick that needs no model, by bm25s.

Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond".
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from embedtune.evaluation.metrics import DEPTH, retrieval_metrics
from embedtune.records import RetrievalSet


def score_bm25(retrieval: RetrievalSet) -> dict[str, float]:
    """Means over queries of every metric, without a similarity in their names.

    Words are those of the texts in lower case; none is stemmed or left out, because the language is not known. Equal
    scores are ranked by ascending passage id, as everywhere.
    """
    import bm25s

    index = bm25s.BM25()
    passages, words = list(retrieval.corpus), [_words(text) for text in retrieval.corpus.values()]
    if any(words):  # an index of texts without words is refused
        index.index(words, show_progress=False)
    vocabulary = index.vocab_dict if any(words) else {}
    order = np.argsort(np.argsort(np.array(passages, dtype=object)))
    depth = min(DEPTH, len(passages))
    hits = np.zeros((len(retrieval.queries), depth), dtype=np.bool_)
    for row, (query, text) in enumerate(retrieval.queries.items()):
        known = [word for word in _words(text) if word in vocabulary]
        scores = index.get_scores(known) if known else np.zeros(len(passages), dtype=np.float32)
        top = _best(scores, order, depth)
        hits[row] = [passages[place] in retrieval.relevant[query] for place in top.tolist()]
    relevant = np.array([len(retrieval.relevant[query]) for query in retrieval.queries], dtype=np.int64)
    return {name: float(values.mean()) for name, values in retrieval_metrics(hits, relevant).items()}


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _best(scores: NDArray[np.float32], order: NDArray[np.intp], depth: int) -> NDArray[np.intp]:
    """Places of the ``depth`` largest scores; of equal ones the first by ``order``."""
    least = np.partition(scores, len(scores) - depth)[len(scores) - depth]
    places = np.flatnonzero(scores >= least)
    return places[np.lexsort((order[places], -scores[places]))][:depth]
