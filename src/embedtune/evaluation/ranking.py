"""The best passages for each query, in a total order: score descending, then passage id ascending.

The order does not depend on the chunks in which a corpus is scored, nor on the order of the corpus. It is that of
sentence-transformers' ``InformationRetrievalEvaluator``, and so are the operations on the embeddings, so that rounding
makes and breaks the same ties.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from embedtune.records import RetrievalSet

SCORED_AT_ONCE = 1 << 26
"""Scores in memory, 256 MiB of them: queries are ranked in blocks, so that many take no more of it than a few."""


def id_positions(ids: Sequence[str]) -> Tensor:
    """Where each id, in the order given, stands among all of them sorted; int64 of shape (ids,)."""
    ascending = torch.tensor(sorted(range(len(ids)), key=ids.__getitem__), dtype=torch.int64)
    return ascending.argsort()


def own_positions(retrieval: RetrievalSet, positions: Tensor) -> Tensor | None:
    """The position of each query's own passage where it is left out of the ranking, else -1; None where none is."""
    if not retrieval.own:
        return None
    position = dict(zip(retrieval.corpus, positions.tolist(), strict=True))
    return torch.tensor([position[query] if query in retrieval.own else -1 for query in retrieval.queries])


def rank_passages(
    queries: Tensor,
    corpus: Tensor,
    positions: Tensor,
    *,
    cosine: bool,
    depth: int,
    chunk_size: int,
    left_out: Tensor | None = None,
) -> Tensor:
    """The first ``depth`` passages for each query, best first.

    Args:
        queries: Embeddings of shape (queries, dim).
        corpus: Embeddings of shape (passages, dim).
        positions: Of the passages, from :func:`id_positions`, on the same device.
        cosine: Whether vectors are scaled to length 1 first; otherwise the score is their dot product.
        depth: Ranks kept.
        chunk_size: Passages scored at once, for at most ``SCORED_AT_ONCE`` / chunk_size queries.
        left_out: For each query the position of a passage that comes after all others, or -1; of shape (queries,).

    Returns:
        int64 of shape (queries, min(depth, passages)): passages by their position.
    """
    queries = _vectors(queries, cosine)
    barred = None if left_out is None else left_out.to(positions.device)
    most = max(1, SCORED_AT_ONCE // max(1, min(chunk_size, len(corpus))))
    size = math.ceil(len(queries) / max(1, math.ceil(len(queries) / most))) or 1  # a block of a few rounds otherwise
    blocks = [slice(start, start + size) for start in range(0, max(1, len(queries)), size)]
    ranked = [
        _ranked(
            queries[block],
            _chunks(corpus, positions, cosine, chunk_size),
            depth,
            None if barred is None else barred[block],
        )
        for block in blocks
    ]
    return ranked[0] if len(ranked) == 1 else torch.cat(ranked)


def _chunks(corpus: Tensor, positions: Tensor, cosine: bool, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Vectors and positions of so many passages at a time."""
    for start in range(0, len(corpus), size):
        yield _vectors(corpus[start : start + size], cosine), positions[start : start + size]


def _ranked(queries: Tensor, chunks: Iterable[tuple[Tensor, Tensor]], depth: int, barred: Tensor | None) -> Tensor:
    best_scores = queries.new_empty(len(queries), 0)
    best = torch.empty(len(queries), 0, dtype=torch.int64, device=queries.device)
    for vectors, positions in chunks:
        scored = queries @ vectors.T
        if barred is not None:
            scored.masked_fill_(positions == barred[:, None], -torch.inf)
        scores, found = _top(scored, positions, depth)
        best_scores, best = torch.cat([best_scores, scores], dim=1), torch.cat([best, found], dim=1)
        best_scores, best = _ordered(best_scores, best, depth)
    return best


def _vectors(embeddings: Tensor, cosine: bool) -> Tensor:
    """Half precision would round nearby scores to equal ones."""
    vectors = embeddings.to(torch.promote_types(embeddings.dtype, torch.float32)).contiguous()
    return normalize(vectors, dim=-1) if cosine else vectors


def _top(scores: Tensor, positions: Tensor, depth: int) -> tuple[Tensor, Tensor]:
    """The best of one chunk, unordered: scores and positions."""
    depth = min(depth, scores.shape[1])
    best_scores, columns = scores.topk(depth, sorted=False)
    cut = best_scores.amin(dim=1, keepdim=True)
    # topk takes any of the passages that tie at the cut; where it had a choice, those of the lowest ids are taken.
    chosen = (scores >= cut).sum(dim=1) > depth
    if chosen.any():
        rows, cut = scores[chosen], cut[chosen]
        beyond = int(positions.max()) + 1
        keys = torch.where(rows > cut, positions - beyond, positions).masked_fill_(rows < cut, beyond)
        columns[chosen] = keys.topk(depth, largest=False, sorted=False).indices
        best_scores[chosen] = rows.gather(1, columns[chosen])
    return best_scores, positions[columns]


def _ordered(scores: Tensor, positions: Tensor, depth: int) -> tuple[Tensor, Tensor]:
    """By score descending, then position ascending: sorted by the second key, then stably by the first."""
    positions, order = positions.sort(dim=1)
    scores, order = scores.gather(1, order).sort(dim=1, descending=True, stable=True)
    return scores[:, :depth], positions.gather(1, order)[:, :depth]
