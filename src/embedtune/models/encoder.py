"""A sentence-transformers model that encodes texts from tokens already there."""

from __future__ import annotations

import time
from typing import Literal

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor

from embedtune.models.token_cache import Role
from embedtune.models.tokens import read_tokens


class TokenEncoder:
    """Encodes queries and documents as the model does, prompts and all, but tokenises each text once in a process.

    Batches are of similar length in tokens. A model whose rows cannot be taken apart encodes in its own way.

    Attributes:
        passages_per_second: Of the last documents, on the model's device; they were tokenised before, except by a model
            that encodes in its own way. None before there were any.
    """

    passages_per_second: float | None = None

    def __init__(self, model: SentenceTransformer) -> None:
        """Encode with ``model``, whose weights may change between calls."""
        self._model = model

    def encode_query(
        self, inputs: list[str], *, batch_size: int, convert_to_tensor: Literal[True], show_progress_bar: bool
    ) -> Tensor:
        """Embeddings of shape (inputs, full size), on the model's device."""
        return self._encode(inputs, Role.QUERY, batch_size)[1]

    def encode_document(
        self, inputs: list[str], *, batch_size: int, convert_to_tensor: Literal[True], show_progress_bar: bool
    ) -> Tensor:
        """Embeddings of shape (inputs, full size), on the model's device."""
        started, embeddings = self._encode(inputs, Role.DOCUMENT, batch_size)
        embeddings[-1:].cpu()  # waits for the device
        seconds = max(time.perf_counter() - started, 1e-9)
        self.passages_per_second = len(set(inputs)) / seconds if inputs else None
        return embeddings

    @torch.inference_mode()
    def _encode(self, inputs: list[str], role: Role, batch_size: int) -> tuple[float, Tensor]:
        """The embeddings, and when the model began to read."""
        model = self._model
        tokens = read_tokens(model, role)
        is_read = bool(inputs) and tokens is not None and tokens.read(inputs)
        started = time.perf_counter()
        if tokens is None or not is_read:
            encode = model.encode_query if role is Role.QUERY else model.encode_document
            stock: Tensor = encode(inputs, batch_size=batch_size, convert_to_tensor=True, show_progress_bar=False)
            return started, stock
        model.eval()
        texts = list(dict.fromkeys(inputs))  # equal texts score exactly the same, whatever stands beside them
        order = torch.tensor(tokens.lengths(texts)).argsort(descending=True, stable=True)
        found = []
        for places in torch.split(order, batch_size):
            features = tokens.batch([texts[place] for place in places.tolist()])
            on_device = {k: v.to(model.device) if isinstance(v, Tensor) else v for k, v in features.items()}
            found.append(model(on_device, task=role.value)["sentence_embedding"][:, : model.truncate_dim])
        embeddings, place_of = torch.cat(found), {texts[place]: row for row, place in enumerate(order.tolist())}
        return started, embeddings[[place_of[text] for text in inputs]]
