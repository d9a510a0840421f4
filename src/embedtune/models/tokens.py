"""Texts as a model's own tokenizer reads them, each tokenised once in the life of a process.

Trials of one worker train on the same texts and are measured on the same texts again and again; only weights differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor

from embedtune.models.token_cache import Key, Role, Row, TokenCache

Features = dict[str, Any]
"""The input of a sentence-transformers model: ``input_ids`` and the like, each of shape (rows, tokens)."""

_TOKEN_KEYS = {"input_ids", "attention_mask", "token_type_ids"}
_CONSTANTS = {"modality", "prompt_length"}
_BATCH = 256
_PROBE = ("", "a", "two rows of different length")


_PROMPT_NAMES = {Role.QUERY: ("query",), Role.DOCUMENT: ("document", "passage", "corpus")}
"""As ``encode_query`` and ``encode_document`` look for them."""


def prompt_of(model: SentenceTransformer, role: Role) -> str:
    """The model's own prompt for a role, as ``encode_query`` or ``encode_document`` adds it; empty without one."""
    names = [*_PROMPT_NAMES[role], *([model.default_prompt_name] if model.default_prompt_name else [])]
    return next((model.prompts[name] for name in names if name in model.prompts), None) or ""


_CACHE = TokenCache()


class Tokens:
    """Texts of one role as one model reads them; make it with :func:`read_tokens`."""

    def __init__(
        self, model: SentenceTransformer, role: Role, identity: str, features: Features, cache: TokenCache
    ) -> None:
        """``features`` are those of a probe, in the order of keys that a batch will have."""
        self._model, self._role, self._cache = model, role, cache
        self._prompt = prompt_of(model, role)
        self._keys = [key for key, value in features.items() if isinstance(value, Tensor)]
        self.constants = {key: value for key, value in features.items() if key not in self._keys}
        self._pad = int(getattr(model.tokenizer, "pad_token_id", None) or 0)
        self._model_key = identity

    def read(self, texts: Iterable[str]) -> bool:
        """Tokenise what is not known yet, as far as there is room; False if a row cannot be taken apart."""
        known = self._cache.table(self._model_key)
        try:
            for text, row in self._tokenise({text for text in texts if self._key(text) not in known}):
                if not self._cache.add(self._model_key, self._key(text), row):
                    break
        except ValueError:
            return False
        return True

    def batch(self, texts: Sequence[str]) -> Features:
        """The texts as one batch, padded on the right to the longest."""
        rows = self._rows(texts)
        width = max(len(row.ids) for row in rows)
        ids = np.full((len(rows), width), self._pad, dtype=np.int64)
        mask, types = np.zeros_like(ids), np.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, : len(row.ids)] = row.ids
            mask[place, : len(row.ids)] = 1
            if row.types is not None:
                types[place, : len(row.ids)] = row.types
        arrays = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        return {key: torch.from_numpy(arrays[key]) for key in self._keys} | self.constants

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, prompt and special ones included, as far as the model reads it."""
        return [len(row.ids) for row in self._rows(texts)]

    def _key(self, text: str) -> Key:
        return self._role, self._prompt, text

    def _rows(self, texts: Sequence[str]) -> list[Row]:
        known = self._cache.table(self._model_key)
        rows = {text: known[self._key(text)] for text in texts if self._key(text) in known}
        for text, row in self._tokenise({text for text in texts if text not in rows}):
            rows[text] = row
            self._cache.add(self._model_key, self._key(text), row)
        return [rows[text] for text in texts]

    def _tokenise(self, texts: set[str]) -> Iterator[tuple[str, Row]]:
        # Similar lengths beside each other, so that little of a batch is padding.
        ordered = sorted(texts, key=lambda text: (len(text), text))
        for start in range(0, len(ordered), _BATCH):
            batch = ordered[start : start + _BATCH]
            features = _features(self._model, batch, self._role)
            if not _is_padded_right(features, len(batch)):
                raise ValueError("rows cannot be taken apart")
            arrays = {key: features[key].numpy().astype(np.int32) for key in self._keys}
            types = arrays.get("token_type_ids")
            for place, (text, length) in enumerate(zip(batch, arrays["attention_mask"].sum(axis=1), strict=True)):
                own = None if types is None or not types[place, :length].any() else types[place, :length].copy()
                yield text, Row(arrays["input_ids"][place, :length].copy(), own)


def read_tokens(model: SentenceTransformer, role: Role, cache: TokenCache = _CACHE) -> Tokens | None:
    """A model's texts of one role, kept for every copy of the model in this process.

    Returns:
        None where rows cannot be taken apart and padded again: no attention mask (StaticEmbedding), rows flattened
        into one sequence (flash attention), padding on the left, a text without any token, features that are not
        tokens, or a tokenizer that cannot be told from another.
    """
    features = _features(model, list(_PROBE), role)
    identity = _identity(model)
    if identity is None or not _is_padded_right(features, len(_PROBE)):
        return None
    return Tokens(model, role, identity, features, cache)


def _features(model: SentenceTransformer, texts: list[str], role: Role) -> Features:
    """The input that ``encode_query`` or ``encode_document`` would give the model.

    The length of a prompt is left out where it is pooled like all else: it would be one more thing to differ by column.
    """
    features = dict(model.preprocess(texts, prompt=prompt_of(model, role) or None, task=role.value))
    if all(getattr(module, "include_prompt", True) for module in model.modules()):
        features.pop("prompt_length", None)
    return features


def _is_padded_right(features: Features, rows: int) -> bool:
    keys = {key for key, value in features.items() if isinstance(value, Tensor)}
    if not {"input_ids", "attention_mask"} <= keys <= _TOKEN_KEYS or not set(features) - keys <= {
        "modality",
        "prompt_length",
    }:
        return False
    mask = features["attention_mask"]
    if mask.ndim != 2 or len(mask) != rows or any(features[key].shape != mask.shape for key in keys):
        return False
    return bool(mask.any(dim=1).all() and (mask[:, 1:] <= mask[:, :-1]).all())


def _identity(model: SentenceTransformer) -> str | None:
    """The identity of a tokenisation: equal for copies of a model, different as soon as one token may differ.

    None for a tokenizer that cannot be told from another.
    """
    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None
    # The whole of a fast tokenizer but for its truncation and padding, which every call sets.
    vocabulary = str(backend.to_str()).partition('"added_tokens"')[2]
    first = model[0]
    config = first.get_config_dict() if hasattr(first, "get_config_dict") else {}
    parts = (type(first).__qualname__, type(model.tokenizer).__qualname__, config, model.max_seq_length)
    return hashlib.sha256(f"{parts}{vocabulary}".encode()).hexdigest()
