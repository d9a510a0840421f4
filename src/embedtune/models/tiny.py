"""A small random sentence-transformers model, built without any file from outside."""

from __future__ import annotations

import string
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

TINY_DIM = 64
_SEED = 0
_MAX_TOKENS = 64


def tiny_model(device: str | None = None) -> SentenceTransformer:
    """A two-layer BERT of 64 dimensions with random weights, the same at every call; reads text letter by letter."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    letters = string.ascii_lowercase + string.digits + string.punctuation
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=TINY_DIM,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=_MAX_TOKENS,
    )
    with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        BertModel(config).save_pretrained(folder)
        vocabulary_file = Path(folder) / "vocab.txt"
        vocabulary_file.write_text("\n".join(vocabulary), encoding="utf-8")
        BertTokenizerFast(vocab=str(vocabulary_file)).save_pretrained(folder)
        transformer = Transformer(folder, max_seq_length=_MAX_TOKENS)
    modules = [transformer, Pooling(TINY_DIM), Normalize()]
    return SentenceTransformer(modules=modules, device=device)
