"""The scores that a tuned model has to beat: those of BM25, and of the base model as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedtune.config import Baselines
from embedtune.evaluation import evaluate_retrieval
from embedtune.evaluation.lexical import score_bm25
from embedtune.records import RetrievalSet, TaskData

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

QUICK = 5_000
"""Texts that ``data.baselines=auto`` embeds at most."""

METRICS = ("map@100", "ndcg@10", "recall@10", "accuracy@1")


def judged_split(task: TaskData) -> str | None:
    """The split the yardsticks are measured on: validation, else training; the test split stays closed."""
    return next((name for name in ("validation", "train") if name in task.splits), None)


def left_out(retrieval: RetrievalSet, wanted: Baselines) -> str | None:
    """Why no yardstick is measured, in a sentence; None where it is."""
    texts = len(retrieval.queries) + len(retrieval.corpus)
    if wanted is Baselines.none:
        return "The untuned model and BM25 were not scored (data.baselines=none)."
    if wanted is Baselines.auto and texts > QUICK:
        return (
            f"The untuned model and BM25 were not scored, because {texts:,} texts take a while: data.baselines=all "
            "does."
        )
    return None


def score_baselines(retrieval: RetrievalSet, model: SentenceTransformer | None) -> dict[str, dict[str, float]]:
    """Name -> metric -> value of each yardstick; without a model BM25 alone."""
    lexical = score_bm25(retrieval)
    found = {"bm25": {name: lexical[name] for name in METRICS}}
    if model is not None:
        dim = int(model.get_embedding_dimension())
        scores = evaluate_retrieval(model, retrieval, [dim]).metrics[str(dim)]
        found["untuned"] = {name: scores[f"cosine_{name}"] for name in METRICS}
    return found
