"""A sentence-transformers model that encodes texts from tokens already there."""

from __future__ import annotations

from typing import Literal

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor

from embedtune.models.token_cache import Role
from embedtune.models.tokens import read_tokens


class TokenEncoder:
    """Encodes queries and documents as the model does, prompts and all, but tokenises each text once in a process.

    Batches are of similar length in tokens. A model whose rows cannot be taken apart encodes in its own way.
    """

    def __init__(self, model: SentenceTransformer) -> None:
        """Encode with ``model``, whose weights may change between calls."""
        self._model = model

    def encode_query(
        self, inputs: list[str], *, batch_size: int, convert_to_tensor: Literal[True], show_progress_bar: bool
    ) -> Tensor:
        """Embeddings of shape (inputs, full size), on the model's device."""
        return self._encode(inputs, Role.QUERY, batch_size)

    def encode_document(
        self, inputs: list[str], *, batch_size: int, convert_to_tensor: Literal[True], show_progress_bar: bool
    ) -> Tensor:
        """Embeddings of shape (inputs, full size), on the model's device."""
        return self._encode(inputs, Role.DOCUMENT, batch_size)

    @torch.inference_mode()
    def _encode(self, inputs: list[str], role: Role, batch_size: int) -> Tensor:
        model = self._model
        tokens = read_tokens(model, role)
        if not inputs or tokens is None or not tokens.read(inputs):
            encode = model.encode_query if role is Role.QUERY else model.encode_document
            stock: Tensor = encode(inputs, batch_size=batch_size, convert_to_tensor=True, show_progress_bar=False)
            return stock
        model.eval()
        texts = list(dict.fromkeys(inputs))  # equal texts score exactly the same, whatever stands beside them
        order = torch.tensor(tokens.lengths(texts)).argsort(descending=True, stable=True)
        found = []
        for places in torch.split(order, batch_size):
            features = tokens.batch([texts[place] for place in places.tolist()])
            on_device = {k: v.to(model.device) if isinstance(v, Tensor) else v for k, v in features.items()}
            found.append(model(on_device, task=role.value)["sentence_embedding"][:, : model.truncate_dim])
        embeddings, place_of = torch.cat(found), {texts[place]: row for row, place in enumerate(order.tolist())}
        return embeddings[[place_of[text] for text in inputs]]
