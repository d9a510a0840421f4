"""How many tokens texts have, whatever kind of tokenizer a model has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from embedtune.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 1_000


def token_counts(model: SentenceTransformer, texts: Sequence[str], *, special: bool = True) -> list[int]:
    """The tokens of each text before the model cuts it; empty for a model without one tokenizer.

    Args:
        model: Whose tokenizer counts.
        texts: With their prompts, if these count.
        special: Whether those that the tokenizer adds count.
    """
    tokenizer: Any = getattr(model, "tokenizer", None)
    found: list[int] = []
    for start in range(0, len(texts), _BATCH):
        batch = list(texts[start : start + _BATCH])
        if hasattr(tokenizer, "backend_tokenizer"):
            options = {"truncation": False, "padding": False, "verbose": False, "add_special_tokens": special}
            found += map(len, tokenizer(batch, **options)["input_ids"])
        elif hasattr(tokenizer, "encode_batch"):
            found += (len(encoding.ids) for encoding in tokenizer.encode_batch(batch, add_special_tokens=special))
    return found


def count_tokens(model: SentenceTransformer, name: str) -> Callable[[Sequence[str]], list[int]]:
    """A function that counts without special tokens.

    Raises:
        ModelError: The model has not one tokenizer.
    """
    if not token_counts(model, ["a"]):
        raise ModelError(
            f"model.name must have a tokenizer to measure passages with, but got {name}. Name another model."
        )
    return lambda texts: token_counts(model, texts, special=False)
