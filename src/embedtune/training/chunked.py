"""The encoder's forward pass over a whole batch at once, in pieces of rows of similar length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

from embedtune.models.tokens import Features
from embedtune.training.pieces import cut

_PIECE_COST = {"cpu": 64, "cuda": 4096}
"""The fixed cost of a piece, in tokens: summing its weight gradients and starting its operations.

Estimates: on the CPU from the bytes of the weight gradients that each piece adds up, on CUDA from the time to launch
a few hundred kernels. Not measured on a CUDA device.
"""


class ChunkedEncoder:
    """Embeds all columns of a batch in one pass with less padding, leaving every embedding unchanged.

    The rows of all columns are sorted by length and run in a few pieces, each trimmed to its own longest row. The
    embeddings come back in the rows' order, so a loss sees the batch it would have seen. The word embeddings of
    all pieces are looked up at once: each lookup would fill a gradient as large as the vocabulary.
    """

    def __init__(self, model: SentenceTransformer, pieces: int) -> None:
        """Prepare for ``model`` and at most ``pieces`` pieces a batch."""
        self._model = model
        self._forward = type(model).forward
        self._pieces = pieces
        self._piece_cost = _PIECE_COST.get(model.device.type, _PIECE_COST["cuda"])
        self._word_embeddings = _word_embeddings(model)

    def __call__(self, columns: Sequence[Features]) -> list[Tensor]:
        """One tensor of shape (rows, dimension) for each column.

        Args:
            columns: Features padded on the right. Those that differ in more than their tokens, such as in the length of
                a prompt that is left out of pooling, are embedded one kind after the other.
        """
        found: dict[int, Tensor] = {}
        for places in _alike(columns):
            found |= zip(places, self._embed([columns[place] for place in places]), strict=True)
        return [found[place] for place in range(len(columns))]

    def _embed(self, columns: Sequence[Features]) -> Sequence[Tensor]:
        merged = _merge(columns)
        lengths = merged["attention_mask"].sum(dim=1)
        order = torch.argsort(lengths, stable=True)
        ascending = lengths[order].tolist()
        ends = cut(ascending, self._pieces, self._piece_cost)
        pieces = [
            {
                key: value[order[start:end], : ascending[end - 1]]
                if isinstance(value, Tensor) and value.ndim == 2
                else value
                for key, value in merged.items()
            }
            for start, end in zip([0, *ends], ends, strict=False)
        ]
        if self._word_embeddings is not None:
            _look_up(self._word_embeddings, pieces)
        sorted_embeddings = torch.cat([self._forward(self._model, piece)["sentence_embedding"] for piece in pieces])
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order), device=order.device)
        return torch.split(sorted_embeddings[back], [len(column["input_ids"]) for column in columns])


@contextmanager
def embeddings_pass_through(model: SentenceTransformer) -> Iterator[None]:
    """Let ``model(features)``, as the losses call it, return embeddings already computed; otherwise run it."""
    forward = model.forward

    def pass_through(features: Features, **kwargs: Any) -> Features:
        return dict(features) if set(features) == {"sentence_embedding"} else forward(features, **kwargs)

    model.forward = pass_through
    try:
        yield
    finally:
        del model.forward


def _alike(columns: Sequence[Features]) -> list[list[int]]:
    """The places of the columns that can share a forward pass: with the same keys and the same prompt length."""
    kinds: dict[str, list[int]] = {}
    for place, column in enumerate(columns):
        # The trainer turns numbers into tensors of one value; of texts' tokens only their names count.
        constant = {key: own for key, own in column.items() if not (isinstance(own, Tensor) and own.ndim == 2)}
        values = {key: own.tolist() if isinstance(own, Tensor) else own for key, own in constant.items()}
        kinds.setdefault(repr((sorted(column), sorted(values.items()))), []).append(place)
    return list(kinds.values())


def _merge(columns: Sequence[Features]) -> Features:
    """The rows of all columns stacked, padded to the widest; the padding is cut off before it is read."""
    width = max(column["input_ids"].shape[1] for column in columns)
    merged = dict(columns[0])
    for key, value in merged.items():
        if isinstance(value, Tensor) and value.ndim == 2:
            parts = [column[key] for column in columns]
            merged[key] = torch.cat([nn.functional.pad(part, (0, width - part.shape[1])) for part in parts])
    return merged


def _look_up(word_embeddings: nn.Module, pieces: Sequence[Features]) -> None:
    """Replace ``input_ids`` of each piece by ``inputs_embeds``, found in a single lookup."""
    ids = [piece.pop("input_ids") for piece in pieces]
    found = word_embeddings(torch.cat([part.flatten() for part in ids]))
    for piece, part, embeddings in zip(pieces, ids, torch.split(found, [part.numel() for part in ids]), strict=True):
        piece["inputs_embeds"] = embeddings.view(*part.shape, -1)


def _word_embeddings(model: SentenceTransformer) -> nn.Module | None:
    """The table of word embeddings, if the model embeds texts the same when it is given its rows; else None."""
    transformer: Any = model.transformers_model
    if not hasattr(transformer, "get_input_embeddings"):
        return None
    table: nn.Module = transformer.get_input_embeddings()
    probe = model.preprocess(["a", "two rows of different length"])
    probe = {key: value.to(model.device) if isinstance(value, Tensor) else value for key, value in probe.items()}
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            expected = type(model).forward(model, dict(probe))["sentence_embedding"]
            _look_up(table, [probe])
            found = type(model).forward(model, probe)["sentence_embedding"]
    except (AttributeError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return None  # an architecture that wants ids
    finally:
        model.train(training)
    return table if torch.allclose(expected, found, rtol=0, atol=1e-6) else None
