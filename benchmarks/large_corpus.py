"""Time and peak memory of exact ranking in a large corpus, each case in a process of its own.

    uv run python benchmarks/large_corpus.py                      # 1,000 queries, 1,000,000 passages, 384 dimensions
    uv run python benchmarks/large_corpus.py --passages 100000    # less

The embeddings are drawn at random, so that encoding is left out. It prints the peak memory with embeddings and ids made
and what ranking and measuring by cosine and dot product take beyond it, and how far the best passages of some queries
are from those of all scores in float64. The case `triplets` has every passage three times in a row, so that the last
rank is tied for every query, which is the costly case.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import torch
from torch.nn.functional import normalize

from embedtune.evaluation import score_embeddings
from embedtune.evaluation.ranking import id_positions, rank_passages
from embedtune.records import RetrievalSet

CHECKED = 5
"""Queries whose ranking is checked against all scores."""
DEPTH = 100


def peak() -> float:
    """GiB that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def embeddings(case: str, options: argparse.Namespace) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the queries and of the passages."""
    draw = torch.Generator().manual_seed(0)
    queries = torch.randn(options.queries, options.dim, generator=draw)
    corpus = torch.empty(options.passages, options.dim)
    corpus.normal_(generator=draw)
    if case == "triplets":
        for place in (1, 2):
            corpus[place::3] = corpus[::3][: len(corpus[place::3])]
    return queries, corpus


def check(queries: torch.Tensor, corpus: torch.Tensor, ids: list[str], chunk: int) -> float:
    """The largest shortfall of a ranked passage's cosine from that of its rank, by float64."""
    positions = id_positions(ids)
    place = positions.argsort()
    ranked = rank_passages(queries[:CHECKED], corpus, positions, cosine=True, depth=DEPTH, chunk_size=chunk)
    worst = 0.0
    for query, found in zip(normalize(queries[:CHECKED].double(), dim=-1), ranked, strict=True):
        scores = torch.cat([normalize(part.double(), dim=-1) @ query for part in corpus.split(chunk)])
        assert len(set(found.tolist())) == DEPTH
        worst = max(worst, float((scores.topk(DEPTH).values - scores[place[found]]).abs().max()))
    return worst


def measure(case: str, options: argparse.Namespace) -> None:
    """Rank, measure, check, and print a row."""
    queries, corpus = embeddings(case, options)
    ids = [f"d{number}" for number in range(options.passages)]
    texts = {f"q{number}": "" for number in range(options.queries)}
    answers = {query: frozenset({ids[number * 7 % len(ids)]}) for number, query in enumerate(texts)}
    retrieval = RetrievalSet(texts, dict.fromkeys(ids, ""), answers)
    before, started = peak(), time.perf_counter()
    score_embeddings(queries, corpus, retrieval, [options.dim], chunk_size=options.chunk)
    seconds, beyond = time.perf_counter() - started, peak() - before
    worst = check(queries, corpus, ids, options.chunk)
    size = f"{options.queries:,} x {options.passages:,} x {options.dim}"
    print(f"| {case} | {size} | {before:.2f} GiB | {beyond:.2f} GiB | {seconds:.1f} s | {worst:.1e} |", flush=True)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--chunk", type=int, default=50_000)
    parser.add_argument("--case", choices=("random", "triplets"), help="this one alone")
    options = parser.parse_args()
    if options.case:
        measure(options.case, options)
        return
    print("| case | size | before | beyond it | time | largest error |\n|---|---|---|---|---|---|", flush=True)
    for case in ("random", "triplets"):
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--case", case], check=True)


if __name__ == "__main__":
    main()
