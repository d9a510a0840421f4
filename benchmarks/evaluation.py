"""How much faster one encoding pass for all dimensions is than the stock evaluator once per dimension.

    uv run python benchmarks/evaluation.py                     # the pydocs validation split
    uv run python benchmarks/evaluation.py --data PATH         # the validation split of your own data
    uv run python benchmarks/evaluation.py --model bge_small   # any model that model.name takes

Both score the same model on the same texts in one process, in turns, because machines are noisy; medians are printed,
and the largest difference between two of their metrics.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from sentence_transformers.util import cos_sim, dot_score

from embedtune.config import DataConfig, ModelConfig, default_dims
from embedtune.data import load_task
from embedtune.evaluation import evaluate_retrieval
from embedtune.models.load import load_model
from embedtune.records import RetrievalSet

Metrics = dict[str, dict[str, float]]


def one_pass(model: SentenceTransformer, retrieval: RetrievalSet, dims: list[int]) -> Metrics:
    """As embedtune evaluates."""
    return evaluate_retrieval(model, retrieval, dims).metrics


def stock(model: SentenceTransformer, retrieval: RetrievalSet, dims: list[int]) -> Metrics:
    """One evaluator of the library for each dimension."""
    relevant = {query: set(ids) for query, ids in retrieval.relevant.items()}
    scores = {"cosine": cos_sim, "dot": dot_score}
    return {
        str(dim): InformationRetrievalEvaluator(
            dict(retrieval.queries),
            dict(retrieval.corpus),
            relevant,
            truncate_dim=dim,
            score_functions=scores,
            write_csv=False,
        )(model)
        for dim in dims
    }


def timed(evaluate: Callable[[], Metrics]) -> tuple[float, Metrics]:
    """Seconds, and what was found."""
    start = time.perf_counter()
    metrics = evaluate()
    return time.perf_counter() - start, metrics


def main() -> None:
    """Run both in turns and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="a folder or file as data.path takes it; pydocs without it")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--queries", type=int, default=25, help="of pydocs")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    files = DataConfig(name="files", source="files", path=options.data)
    task = load_task(files if options.data else DataConfig(max_queries=options.queries))
    retrieval = task.splits["validation"]
    model = load_model(ModelConfig(name=options.model))
    dims = default_dims(model.get_embedding_dimension())
    print(f"{task.name}: {len(retrieval.queries)} queries, {len(retrieval.corpus)} passages, dims {dims}")

    one_pass(model, retrieval, dims[:1])  # warms up
    ours, theirs, difference = [], [], 0.0
    for _ in range(options.rounds):
        seconds, found = timed(lambda: one_pass(model, retrieval, dims))
        ours.append(seconds)
        seconds, expected = timed(lambda: stock(model, retrieval, dims))
        theirs.append(seconds)
        difference = max(
            [difference, *(abs(found[dim][name] - value) for dim in expected for name, value in expected[dim].items())]
        )
        print(f"one pass {ours[-1]:.2f} s, stock {theirs[-1]:.2f} s")
    ratio = statistics.median(stock / one for stock, one in zip(theirs, ours, strict=True))
    print(f"median: one pass {statistics.median(ours):.2f} s, stock {statistics.median(theirs):.2f} s")
    print(f"RATIO {ratio:.2f}, largest difference of a metric {difference:.1e}")


if __name__ == "__main__":
    main()
