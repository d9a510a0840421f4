"""Texts into tokens, once for the whole training, and rows of tokens into batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Features = dict[str, Any]
"""What a sentence-transformers model reads: ``input_ids`` and the like, each of shape (rows, tokens)."""

_TOKEN_KEYS = {"input_ids", "attention_mask", "token_type_ids"}
_BATCH = 256


@dataclass(frozen=True)
class Tokens:
    """Every text of a training as the model's own tokenizer reads it.

    Attributes:
        rows: Text -> key such as ``input_ids`` -> its tokens without padding, shape (tokens,).
        padding: Key -> the value that fills a row up.
        constants: What is the same for every batch, e.g. the modality.
    """

    rows: Mapping[str, Mapping[str, Tensor]]
    padding: Mapping[str, int]
    constants: Mapping[str, Any]

    def batch(self, texts: Sequence[str]) -> Features:
        """The texts as one batch, padded on the right to the longest."""
        rows = [self.rows[text] for text in texts]
        padded = {
            key: torch.nn.utils.rnn.pad_sequence([row[key] for row in rows], batch_first=True, padding_value=value)
            for key, value in self.padding.items()
        }
        return padded | dict(self.constants)


def tokenise(preprocess: Callable[[list[str]], Features], texts: Iterable[str], pad_token: int) -> Tokens | None:
    """Tokenise each different text once.

    Args:
        preprocess: The model's own, which truncates and pads.
        texts: Repeats are free.
        pad_token: The id that fills up ``input_ids``.

    Returns:
        None where rows cannot be taken apart and padded again: no attention mask (StaticEmbedding), rows flattened
        into one sequence (flash attention), padding on the left, or features that are not tokens.
    """
    # Similar lengths beside each other, so that little of a batch is padding.
    different = sorted(set(texts), key=lambda text: (len(text), text))
    rows: dict[str, dict[str, Tensor]] = {}
    padding: dict[str, int] = {}
    constants: dict[str, Any] = {}
    for start in range(0, len(different), _BATCH):
        batch = different[start : start + _BATCH]
        features = dict(preprocess(batch))
        if not _is_padded_right(features, len(batch)):
            return None
        keys = [key for key, value in features.items() if isinstance(value, Tensor)]
        constants = {key: value for key, value in features.items() if key not in keys}
        padding = {key: pad_token if key == "input_ids" else 0 for key in keys}
        lengths = features["attention_mask"].sum(dim=1).tolist()
        for row, (text, length) in enumerate(zip(batch, lengths, strict=True)):
            rows[text] = {key: features[key][row, :length].clone() for key in keys}
    return Tokens(rows, padding, constants)


def row_lengths(features: Mapping[str, Any]) -> list[int]:
    """Tokens of each row, by its mask or by where it starts in a sequence of all rows; empty if neither is there."""
    if isinstance(mask := features.get("attention_mask"), Tensor):
        lengths: list[int] = mask.sum(dim=1).tolist()
        return lengths
    if isinstance(starts := features.get("cu_seq_lens_q"), Tensor):
        return [int(length) for length in starts.flatten().diff()]
    if isinstance(offsets := features.get("offsets"), Tensor):  # StaticEmbedding: starts, without the end
        ends = [*offsets.tolist()[1:], len(features["input_ids"])]
        return [end - start for start, end in zip(offsets.tolist(), ends, strict=True)]
    return []


def _is_padded_right(features: Features, rows: int) -> bool:
    keys = {key for key, value in features.items() if isinstance(value, Tensor)}
    if not {"input_ids", "attention_mask"} <= keys <= _TOKEN_KEYS or not set(features) - keys <= {"modality"}:
        return False
    mask = features["attention_mask"]
    if mask.ndim != 2 or len(mask) != rows or any(features[key].shape != mask.shape for key in keys):
        return False
    return bool(mask.any(dim=1).all() and (mask[:, 1:] <= mask[:, :-1]).all())


@dataclass(frozen=True)
class TokenCollator:
    """Rows of texts into one batch, with keys as SentenceTransformerTrainer expects: ``anchor_input_ids``."""

    tokens: Tokens
    valid_label_columns: tuple[str, ...] = ()  # the trainer's samplers ask for it; embedtune trains without labels

    def __call__(self, rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        """The batch of ``rows``, each column padded to its own longest text."""
        return {
            f"{column}_{key}": value
            for column in rows[0]
            for key, value in self.tokens.batch([row[column] for row in rows]).items()
        }
