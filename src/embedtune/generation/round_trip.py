"""Which questions find their own passage with the untuned model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from embedtune.generation.filtering import Query
from embedtune.generation.passages import Passage

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_CHUNK = 20_000


def lost(
    model: SentenceTransformer, passages: Sequence[Passage], queries: Sequence[Query], top: int, batch_size: int
) -> list[str]:
    """The ids of queries whose passage is not among the ``top`` most similar by cosine.

    Consistency filtering after Alberti et al. 2019 (arXiv:1906.05416) and Dai et al. 2022 (Promptagator,
    arXiv:2209.11755).
    """
    if not queries:
        return []
    from embedtune.evaluation.ranking import id_positions, rank_passages
    from embedtune.models.encoder import TokenEncoder

    encoder = TokenEncoder(model)
    asked = encoder.encode_query(
        [query.text for query in queries], batch_size=batch_size, convert_to_tensor=True, show_progress_bar=False
    )
    corpus = encoder.encode_document(
        [passage.whole for passage in passages], batch_size=batch_size, convert_to_tensor=True, show_progress_bar=False
    )
    positions = id_positions([passage.id for passage in passages])
    place = {passage.id: int(own) for passage, own in zip(passages, positions, strict=True)}
    ranked = rank_passages(
        asked, corpus, positions.to(corpus.device), cosine=True, depth=top, chunk_size=_CHUNK
    ).tolist()  # fmt: skip
    return [query.id for query, found in zip(queries, ranked, strict=True) if place[query.passage] not in found]
