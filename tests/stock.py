"""sentence-transformers' own trainer, and the loss of each of its steps."""

from __future__ import annotations

from typing import Any

from datasets import Dataset, DatasetDict
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from torch import nn


def trained_losses(
    model: SentenceTransformer,
    arguments: SentenceTransformerTrainingArguments,
    rows: Dataset | DatasetDict,
    loss: nn.Module,
) -> list[float]:
    """Train, and give the loss of every step at full precision."""
    losses: list[float] = []

    class Noting(SentenceTransformerTrainer):
        def training_step(self, *args: Any, **kwargs: Any) -> Any:
            found = super().training_step(*args, **kwargs)
            losses.append(found.item())
            return found

    Noting(model=model, args=arguments, train_dataset=rows, loss=loss).train()
    return losses
