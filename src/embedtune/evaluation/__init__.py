"""Retrieval quality of an encoder at several embedding sizes, from one encoding pass.

Importing this package loads no torch; scoring does.
"""

from embedtune.evaluation.metrics import Measures
from embedtune.evaluation.pooling import FoldScores, Pooled, pool
from embedtune.evaluation.retrieval import METRIC_NAMES, Encoder, evaluate_retrieval, score_embeddings
from embedtune.evaluation.scores import read_judged, read_scores, write_scores

__all__ = [
    "METRIC_NAMES",
    "Encoder",
    "FoldScores",
    "Measures",
    "Pooled",
    "evaluate_retrieval",
    "pool",
    "read_judged",
    "read_scores",
    "score_embeddings",
    "write_scores",
]
