"""Texts as a model's own tokenizer reads them, each tokenised once in the life of a process.

Trials of one worker train on the same texts and are measured on the same texts again and again; only weights differ.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor

from embedtune.models.token_cache import Key, Role, Row, TokenCache

logger = logging.getLogger(__name__)

Features = dict[str, Any]
"""The input of a sentence-transformers model: ``input_ids`` and the like, each of shape (rows, tokens)."""

_TOKEN_KEYS = {"input_ids", "attention_mask", "token_type_ids"}
_FLAT_KEYS = {"input_ids", "offsets"}
"""Of a table of words: all rows in one sequence, and where each starts."""
_CONSTANTS = {"modality", "prompt_length"}
_CLOSE, _ROUGHLY = {torch.float32: 1e-5}, 2e-2
"""How near embeddings must be to be the same, by the type of the weights; in 16 bits a position shifts the rounding."""
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

    @property
    def padded(self) -> bool:
        """Whether the rows of a batch are as long as its longest; otherwise they follow one another, as for tables."""
        return "attention_mask" in self._keys

    def batch(self, texts: Sequence[str]) -> Features:
        """The texts as one batch, padded on the right to the longest."""
        rows = self._rows(texts)
        if not self.padded:
            starts = np.cumsum([0, *(len(row.ids) for row in rows[:-1])], dtype=np.int64)
            flat = {"input_ids": np.concatenate([row.ids for row in rows]).astype(np.int64), "offsets": starts}
            return {key: torch.from_numpy(flat[key]) for key in self._keys} | self.constants
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
            reason = _together(features, len(batch))
            if reason or not set(self._keys) <= features.keys():
                raise ValueError(reason or "features differ from those of the probe")
            arrays = {key: features[key].numpy().astype(np.int32) for key in self._keys}
            if not self.padded:
                yield from zip(batch, map(Row, np.split(arrays["input_ids"], arrays["offsets"][1:])), strict=True)
                continue
            types = arrays.get("token_type_ids")
            for place, text in enumerate(batch):
                real = arrays["attention_mask"][place] != 0
                own = None if types is None or not types[place, real].any() else types[place, real]
                yield text, Row(arrays["input_ids"][place, real], own)


def read_tokens(model: SentenceTransformer, role: Role, kept: TokenCache = _CACHE) -> Tokens | None:
    """A model's texts of one role, kept for every copy of the model in this process.

    Returns:
        None where rows cannot be taken apart and put together again: rows flattened into one sequence (flash
        attention), a text without any token, features that are not tokens (routers), embeddings that differ if padding
        on the left is put on the right, or a tokenizer that cannot be told from another. The log says so once.
    """
    features = _features(model, list(_PROBE), role)
    identity = _identity(model)
    reason = _together(features, len(_PROBE)) if identity else "its tokenizer cannot be told from another"
    if identity is None or reason:
        say_once(f"Texts are tokenised anew each time and batches embedded as the library does it: {reason}")
        return None
    tokens = Tokens(model, role, identity, features, kept)
    if _is_padded_left(features) and not _reads_either_side(model, role, features, tokens):
        say_once("Batches are embedded as the library does it: padding on the left cannot be put on the right")
        return None
    return tokens


@cache
def say_once(sentence: str) -> None:
    """Log it, once in this process."""
    logger.info("%s", sentence)


def _features(model: SentenceTransformer, texts: list[str], role: Role) -> Features:
    """The input that ``encode_query`` or ``encode_document`` would give the model.

    The length of a prompt is left out where it is pooled like all else: it would be one more thing to differ by column.
    """
    features = dict(model.preprocess(texts, prompt=prompt_of(model, role) or None, task=role.value))
    if all(getattr(module, "include_prompt", True) for module in model.modules()):
        features.pop("prompt_length", None)
    return features


def _together(features: Features, rows: int) -> str | None:
    """Why the rows cannot be taken apart; None if they can."""
    keys = {key for key, value in features.items() if isinstance(value, Tensor)}
    if keys == _FLAT_KEYS and len(features["offsets"]) == rows and not set(features) - keys - _CONSTANTS:
        return None
    if strange := sorted({*keys - _TOKEN_KEYS, *set(features) - keys - _CONSTANTS}):
        return f"the model reads {', '.join(strange)} beside tokens"
    if not {"input_ids", "attention_mask"} <= keys:
        return "the model reads no attention mask"
    mask = features["attention_mask"]
    if mask.ndim != 2 or len(mask) != rows or any(features[key].shape != mask.shape for key in keys):
        return "the model reads all texts as one sequence"
    if not mask.any(dim=1).all():
        return "a text has no token"
    if not ((mask[:, 1:] <= mask[:, :-1]).all() or _is_padded_left(features)):
        return "padding stands between tokens"
    return None


def _is_padded_left(features: Features) -> bool:
    mask = features.get("attention_mask")
    return mask is not None and not bool(mask[:, 0].all()) and bool((mask[:, 1:] >= mask[:, :-1]).all())


_EITHER_SIDE: WeakKeyDictionary[SentenceTransformer, bool] = WeakKeyDictionary()


def _reads_either_side(model: SentenceTransformer, role: Role, left: Features, tokens: Tokens) -> bool:
    """Whether the model embeds texts the same if what was padded on the left is padded on the right.

    So it is where a token sees those before it alone and positions count by their distance, as in decoders with rotary
    embeddings. Tried once for each copy of a model, on the probe; its tokenizer stays as it is.
    """
    if model not in _EITHER_SIDE:
        training = model.training
        model.eval()
        try:
            with torch.no_grad():
                one, other = (
                    type(model)
                    .forward(
                        model,
                        {key: own.to(model.device) if isinstance(own, Tensor) else own for key, own in side.items()},
                        task=role.value,
                    )["sentence_embedding"]
                    .float()
                    for side in (left, tokens.batch(list(_PROBE)))
                )
        finally:
            model.train(training)
        _EITHER_SIDE[model] = torch.allclose(one, other, rtol=0, atol=_CLOSE.get(model.dtype, _ROUGHLY))
    return _EITHER_SIDE[model]


def _identity(model: SentenceTransformer) -> str | None:
    """The identity of a tokenisation: equal for copies of a model, different as soon as one token may differ.

    None for a tokenizer that cannot be told from another.
    """
    backend = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)
    if not hasattr(backend, "to_str"):
        return None
    # The whole of a fast tokenizer but for its truncation and padding, which every call sets.
    vocabulary = str(backend.to_str()).partition('"added_tokens"')[2]
    first = model[0]
    config = first.get_config_dict() if hasattr(first, "get_config_dict") else {}
    parts = (type(first).__qualname__, type(model.tokenizer).__qualname__, config, model.max_seq_length)
    return hashlib.sha256(f"{parts}{vocabulary}".encode()).hexdigest()
