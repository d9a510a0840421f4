"""Negatives mined again while a training runs, with the model as it is then.

Approximate Nearest Neighbor Negative Contrastive Learning for Dense Text Retrieval, Xiong et al., 2021: what was hard
for the base model is soon easy for the one that is trained. Rows and batches stay; only the texts of a batch change.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer
from torch import nn
from transformers import TrainerCallback

from embedtune.errors import ResumeError
from embedtune.records import TrainingSet
from embedtune.training.collate import LABEL
from embedtune.training.losses import relate
from embedtune.training.negatives.mining import Mined, with_negatives

logger = logging.getLogger(__name__)

_FILE = "negatives.json"


@dataclass(frozen=True)
class Refresh:
    """When negatives are mined again, and how.

    Attributes:
        every: After so many epochs.
        rows: The training sets without any mined negative.
        mine: Looks for negatives of these rows with a model, in an epoch, which is part of the seed.
    """

    every: int
    rows: tuple[TrainingSet, ...]
    mine: Callable[[SentenceTransformer, int], Sequence[Mined]]


class Refreshing(TrainerCallback):  # type: ignore[misc]
    """Mines at the beginning of an epoch after every so many; without a :class:`Refresh` it does nothing.

    A training that goes on within an epoch has the negatives that were saved with its state; one that goes on between
    two epochs mines as it would have.
    """

    def __init__(
        self,
        refresh: Refresh | None,
        model: SentenceTransformer,
        evaluating: Callable[[], AbstractContextManager[None]],
        losses: Iterable[nn.Module],
    ) -> None:
        """Mine with ``model`` inside ``evaluating()``; ``losses`` are told what the rows hold."""
        self._refresh, self._model, self._evaluating = refresh, model, evaluating
        self._losses = tuple(losses)
        self._mined: list[list[list[str]]] = []
        self._texts: list[dict[str, str]] = []

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Mine, if it is time."""
        epoch, within = divmod(state.global_step, max(1, len(kwargs["train_dataloader"])))
        if self._refresh is None or within or epoch == 0 or epoch % self._refresh.every:
            return
        logger.info("Mining negatives again, after %d epochs", epoch)
        with self._evaluating():
            found = self._refresh.mine(self._model, epoch)
        self._take(self._refresh.rows, [[list(row) for row in own.rows] for own in found])

    def collator(self, collator: Any) -> Any:
        """A collator as before, which reads rows with the negatives that were mined last."""
        return collator if self._refresh is None else _Rewriting(collator, self)

    def rewritten(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row of the data, by its number, with the negatives that were mined last."""
        return {**row, **self._texts[row[LABEL]]} if self._texts else row

    def save(self, folder: Path) -> None:
        """Write the negatives beside the state of the training.

        Raises:
            OSError: The disk is full.
        """
        if self._refresh is not None:
            (folder / _FILE).write_text(json.dumps(self._mined), encoding="utf-8")

    def restore(self, folder: Path) -> None:
        """Take up the negatives that were saved.

        Raises:
            ResumeError: They are missing, torn, or those of other rows.
        """
        if self._refresh is None:
            return
        try:
            mined = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            if mined:
                if [len(own) for own in mined] != list(map(len, self._refresh.rows)):
                    raise ResumeError("its negatives are those of other rows")
                self._take(self._refresh.rows, mined)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ResumeError(f"its negatives: {type(error).__name__}: {error}") from error

    def _take(self, training: Sequence[TrainingSet], mined: list[list[list[str]]]) -> None:
        rows = [with_negatives(part, own) for part, own in zip(training, mined, strict=True)]
        self._texts = [
            dict(zip(part.columns, texts, strict=True))
            for part in rows
            for texts in zip(*part.columns.values(), strict=True)
        ]
        relate(self._losses, rows)
        self._mined = mined


class _Rewriting:
    """A collator before which the rows are rewritten."""

    def __init__(self, collator: Any, refreshing: Refreshing) -> None:
        self._collator, self._refreshing = collator, refreshing

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        return self._collator([dict(self._refreshing.rewritten(row)) for row in rows])

    def __getattr__(self, name: str) -> Any:
        """The trainer's samplers ask the collator for its columns."""
        return getattr(self._collator, name)
