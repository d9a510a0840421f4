"""Retrieval quality of an encoder at several embedding sizes, from one encoding pass.

Importing this package loads no torch; scoring does.
"""

from embedtune.evaluation.retrieval import METRIC_NAMES, Encoder, evaluate_retrieval, score_embeddings
from embedtune.evaluation.scores import read_scores, write_scores

__all__ = [
    "METRIC_NAMES",
    "Encoder",
    "evaluate_retrieval",
    "read_scores",
    "score_embeddings",
    "write_scores",
]
