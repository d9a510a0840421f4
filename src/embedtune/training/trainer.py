"""SentenceTransformerTrainer with our forward pass and without its model card."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sentence_transformers.base.sampler import DefaultBatchSampler, NoDuplicatesBatchSampler
from torch import Tensor

from embedtune.errors import TrialError
from embedtune.training.batches import Apart
from embedtune.training.callbacks import Seen
from embedtune.training.chunked import ChunkedEncoder
from embedtune.training.collate import DATASET_NAME, LABEL, row_lengths
from embedtune.training.kernels.masks import KeepMasks
from embedtune.training.trainer_private import OwnStateTrainer


class ApartSampler(DefaultBatchSampler):  # type: ignore[misc]
    """:class:`Apart` as the data loader takes it; its length is exact."""

    def __init__(self, dataset: Any, batches: Apart) -> None:
        super().__init__(dataset, batches.size, drop_last=False, seed=batches.seed)
        self._batches = batches

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches.batches(self.epoch))

    def __len__(self) -> int:
        return len(self._batches)


class Trainer(OwnStateTrainer):
    """Embeds a batch with a :class:`ChunkedEncoder` before the loss sees it, and stops at a loss that is not finite.

    Attributes:
        encoder: None embeds as the loss asks for it, column by column.
        by_relevance: What ``no_duplicates`` keeps apart, see :class:`Apart`.
        on_batch: Called with the loss of every step and what it reads.
        masks: Of our own dropout, seeded anew for each step; None where torch draws its own.
    """

    encoder: ChunkedEncoder | None = None
    by_relevance = False
    masks: KeepMasks | None = None
    on_batch: Callable[[float, Seen], None]

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Leave it out: it tokenises the data again, and a release writes its own card from TrainingFacts."""

    def collect_features(self, inputs: dict[str, Any]) -> tuple[list[dict[str, Any]], Tensor | None]:
        """The columns as the loss reads them; with an encoder their embeddings, all from one pass."""
        features, labels = super().collect_features(inputs)
        if self.encoder is None:
            return features, labels
        # One autocast region for all pieces: weights are cast to bf16 once a step.
        with self.accelerator.autocast():
            embeddings = self.encoder(features)
        return [{"sentence_embedding": column.float()} for column in embeddings], labels

    def get_batch_sampler(self, dataset: Any, batch_size: int, *args: Any, **kwargs: Any) -> Any:
        """The batches of rows that are kept apart as :class:`Apart` makes them, all else as the library does."""
        sampler = super().get_batch_sampler(dataset, batch_size, *args, **kwargs)
        if not isinstance(sampler, NoDuplicatesBatchSampler):
            return sampler
        columns = tuple(list(dataset[name]) for name in dataset.column_names if name not in (DATASET_NAME, LABEL))
        epochs = math.ceil(self.args.num_train_epochs)
        return ApartSampler(dataset, Apart(columns, batch_size, self.args.seed, epochs, self.by_relevance))

    def training_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Tensor:
        """Forward and backward.

        Raises:
            TrialError: The loss is NaN or infinite.
        """
        seen = _seen(super().collect_features(inputs)[0])
        if self.masks is not None:
            self.masks.reseed()
        loss: Tensor = super().training_step(model, inputs, *args, **kwargs)
        value = loss.item()
        if not math.isfinite(value):
            raise TrialError(
                f"loss must be finite, but got {value} at step {self.state.global_step + 1}. "
                "Lower train.learning_rate, raise train.warmup_ratio, or set train.precision=fp32."
            )
        self.on_batch(value, seen)
        return loss


def _seen(columns: Sequence[Mapping[str, Any]]) -> Seen:
    """The amount of data in the columns of a batch."""
    lengths = [row_lengths(column) for column in columns]
    return Seen(sum(map(sum, lengths)), len(lengths[0]))
