"""In-batch negatives without those that are none: passages of other rows that answer a row's query are left out.

The loss stays the library's own. It asks for its similarities by a function that it is given, one matrix after the
other; where a batch holds false negatives that function gives minus infinity for them, so that they have no part in the
softmax. The rows of a batch come to the loss by their numbers, in the place of labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from torch import Tensor, nn

from embedtune.records import TrainingSet
from embedtune.training.batches import same_text

Similarities = Callable[[Tensor, Tensor], Tensor]
_ORDER = ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc")
"""The order in which the losses ask for their matrices."""
_TRANSPOSED = ("doc_to_query", "doc_to_doc")
"""Those that they ask for by columns."""


@dataclass(frozen=True)
class Relations:
    """What the rows of a training hold, by :func:`same_text`, over all its sets.

    Attributes:
        passages: Numbers of the passages of each row, the positive first.
        answers: Numbers of everything that any row gives as an answer to the row's query.
    """

    passages: tuple[tuple[int, ...], ...] = ()
    answers: tuple[frozenset[int], ...] = ()

    @classmethod
    def of(cls, training: Sequence[TrainingSet]) -> Relations:
        """Those of the rows in their order, set after set."""
        numbers: dict[str, int] = {}
        answering: dict[str, set[int]] = {}
        rows = [row for part in training for row in zip(*part.columns.values(), strict=True)]
        found = [tuple(numbers.setdefault(same_text(text), len(numbers)) for text in own) for _, *own in rows]
        for (anchor, *_), own in zip(rows, found, strict=True):
            answering.setdefault(same_text(anchor), set()).add(own[0])
        return cls(tuple(found), tuple(frozenset(answering[same_text(anchor)]) for anchor, *_ in rows))

    def masks(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """What of a batch is no negative, by direction; empty if everything is.

        Args:
            rows: Numbers of the rows of the batch.

        Returns:
            ``query_to_doc`` and ``doc_to_doc`` of shape (rows, passages of all rows, column after column), the others
            of shape (rows, rows); true where the second text is related to the first. No row masks its own.
        """
        count, columns = len(rows), len(self.passages[rows[0]])
        places: dict[int, list[tuple[int, int]]] = {}
        asking: dict[int, list[int]] = {}
        for place, row in enumerate(rows):
            for column, passage in enumerate(self.passages[row]):
                places.setdefault(passage, []).append((column, place))
            for answer in self.answers[row]:
                asking.setdefault(answer, []).append(place)
        to_docs = torch.zeros(count, columns * count, dtype=torch.bool)
        to_queries = torch.zeros(count, count, dtype=torch.bool)
        for answer, queries in asking.items():
            for query in queries:
                for column, place in places.get(answer, ()):
                    to_docs[query, column * count + place] = place != query
                to_queries[query, [other for other in queries if other != query]] = True
        if not (to_docs.any() or to_queries.any()):
            return {}
        from_docs = to_docs[:, :count].T
        both = to_docs.clone()
        both[:, :count] |= from_docs
        return dict(zip(_ORDER, (to_docs, to_queries, from_docs, both), strict=True))


@dataclass
class _Masked:
    """Similarities in which false negatives are minus infinity, for one pass of a loss over a batch.

    A cached form asks for the rows of one mini-batch after the other, for each in the order of its directions.
    """

    similarities: Similarities
    masks: list[tuple[str, Tensor]]
    _calls: int = 0
    _start: int = 0

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Similarities of shape (first, second)."""
        name, mask = self.masks[self._calls % len(self.masks)]
        found = self.similarities(first, second)
        rows = found.shape[1 if name in _TRANSPOSED else 0]
        own = mask[self._start : self._start + rows].to(found.device)
        self._calls += 1
        if self._calls % len(self.masks) == 0:
            self._start += rows
        return found.masked_fill(own.T if name in _TRANSPOSED else own, -torch.inf)


class _Masking(nn.Module):
    """The part that both forms share."""

    relations: Relations
    similarity_fct: Similarities
    directions: tuple[str, ...]

    @contextmanager
    def masking(self, rows: Tensor) -> Iterator[None]:
        """Leave out what is no negative in the batch of these rows."""
        masks = self.relations.masks(rows.tolist())
        if not masks:
            yield
            return
        plain = self.similarity_fct
        self.similarity_fct = _Masked(plain, [(name, masks[name]) for name in _ORDER if name in self.directions])
        try:
            yield
        finally:
            self.similarity_fct = plain


class MaskedMultipleNegativesRankingLoss(_Masking, MultipleNegativesRankingLoss):  # type: ignore[misc]
    """The library's loss, whose labels are the numbers of the rows."""

    relations = Relations()

    def compute_loss_from_embeddings(self, embeddings: list[Tensor], labels: Tensor) -> Tensor:
        """The loss of a batch."""
        with self.masking(labels):
            loss: Tensor = super().compute_loss_from_embeddings(embeddings, labels)
        return loss

    def get_config_dict(self) -> dict[str, Any]:
        """Its parameters."""
        return {**super().get_config_dict(), "mask_false_negatives": True}


class MaskedCachedMultipleNegativesRankingLoss(_Masking, CachedMultipleNegativesRankingLoss):  # type: ignore[misc]
    """The same through mini-batches."""

    relations = Relations()

    def calculate_loss(
        self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False
    ) -> Tensor:
        """The loss of a batch, or its gradients by embeddings too."""
        assert labels is not None
        with self.masking(labels):
            loss: Tensor = super().calculate_loss(reps, labels, with_backward=with_backward)
        return loss

    def get_config_dict(self) -> dict[str, Any]:
        """Its parameters."""
        return {**super().get_config_dict(), "mask_false_negatives": True}


def relate(losses: Iterable[nn.Module], training: Sequence[TrainingSet]) -> None:
    """Tell those of the losses that leave out false negatives what the rows hold."""
    for loss in losses:
        if isinstance(loss, _Masking):
            loss.relations = Relations.of(training)
