"""Fine-tune one model by one configuration."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict
from sentence_transformers import SentenceTransformer
from torch import Tensor
from transformers import PrinterCallback

from embedtune.config import Average, BatchSampler, Config, Kernels
from embedtune.errors import ConfigError, join_problems
from embedtune.models.tokens import say_once
from embedtune.records import TrainingSet
from embedtune.training.arguments import training_arguments
from embedtune.training.averaging import Averaging
from embedtune.training.callbacks import Listener, Progress, ProgressCallback, Seen
from embedtune.training.checkpointing import checkpointed
from embedtune.training.chunked import ChunkedEncoder, embeddings_pass_through
from embedtune.training.collate import LABEL, column_prompts, column_routes, token_collator
from embedtune.training.device import resolve_device, resolve_precision
from embedtune.training.feasible import model_problems
from embedtune.training.kernels.install import own_kernels
from embedtune.training.kernels.masks import KeepMasks
from embedtune.training.losses import LOSSES, Scores, build_loss, nested_losses, relate
from embedtune.training.negatives import Refresh, Refreshing
from embedtune.training.resuming import Resuming
from embedtune.training.state import TrainingState, write_state
from embedtune.training.trainer import Trainer
from embedtune.training.trainer_private import forget_training


@dataclass(frozen=True)
class Attempt:
    """The starting point of one attempt at a training.

    Attributes:
        folder: An existing folder, in which the trainer makes a temporary one of its own.
        mini_batch_size: Encode that many rows at once, with the same objective (see :func:`build_loss`); None: all.
        resumed: Resume from there; on the same device with the same versions, as if the training had never stopped.
    """

    folder: Path
    mini_batch_size: int | None = None
    resumed: TrainingState | None = None


@dataclass(frozen=True)
class TrainingOutcome:
    """The outcome of one training.

    Attributes:
        steps: Optimiser steps done.
        tokens: Real tokens seen, padding not counted.
        seconds: Wall time, evaluations included.
        loss: Mean training loss since the evaluation before the last.
        logs: One entry for each evaluation.
        moved: Whether any weight changed.
    """

    steps: int
    tokens: int
    seconds: float
    loss: float | None
    logs: tuple[Progress, ...]
    moved: bool = True


def train_model(
    model: SentenceTransformer,
    training: Sequence[TrainingSet],
    config: Config,
    attempt: Attempt,
    listener: Listener,
    refresh: Refresh | None = None,
) -> TrainingOutcome:
    """Train ``model`` in place.

    Args:
        model: Changed; its forward is its own again afterwards.
        training: Several sets are visited as ``data.mix`` says.
        config: ``train``, ``loss`` and ``eval.every`` are read.
        attempt: What it starts from.
        listener: Who is called.
        refresh: How negatives are mined again while it runs; None: not at all.

    Raises:
        ConfigError: The device or the model does not go with ``train.*``, or every loss weight is 0.
        ResumeError: ``attempt.resumed`` is the state of another training.
        TrialError: The loss is NaN or infinite.
    """
    started = time.perf_counter()
    if problems := list(model_problems(model, config)):
        raise ConfigError(join_problems(problems))
    device = resolve_device(config.train.device)
    resumed, chosen = attempt.resumed, LOSSES[config.loss.name]
    model.to(device)
    untrained = _fingerprint(model)

    def write(folder: Path, seen: Seen) -> None:
        write_state(trainer, folder, seen, averaging)
        refreshing.save(folder)

    averaging = None if config.train.average is Average.none else Averaging(config.train.average)
    before = resumed.seen if resumed else Seen()
    callback = ProgressCallback(config.eval.every, listener, lambda: _plain(model), write, before)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=attempt.folder, prefix="trainer-"))
        precision = resolve_precision(config.train.precision, device)
        prompts = column_prompts(model, training)
        arguments = training_arguments(config.train, Path(folder), device, precision, prompts, config.data.mix)
        arguments.router_mapping = column_routes(model, training)
        stack.enter_context(_cleaned_up(model))
        twice = config.train.gradient_checkpointing
        if twice:
            stack.enter_context(checkpointed(model))
        collator = token_collator(model, training)
        padded = collator is not None and collator.padded
        if padded and not chosen.one_pass:
            say_once(f"Batches are embedded as the library does it: loss.name={config.loss.name} reads more of them")
        encoder: ChunkedEncoder | None = None
        masks: KeepMasks | None = None
        if padded and chosen.one_pass and attempt.mini_batch_size is None:
            encoder = ChunkedEncoder(model, config.train.chunks)
            stack.enter_context(embeddings_pass_through(model))
            if device == "cpu" and config.train.kernels is Kernels.auto and not twice:
                masks = stack.enter_context(own_kernels(model))
        resuming = Resuming(resumed, lambda: trainer.accelerator.scaler, averaging) if resumed else None
        loss = build_loss(model, config, attempt.mini_batch_size)
        relate(nested_losses(loss), training)
        refreshing = Refreshing(refresh, model, lambda: _plain(model), nested_losses(loss))
        if resumed:
            refreshing.restore(resumed.folder)
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=to_dataset(
                training, chosen.scores, numbered=config.loss.mask_false_negatives or refresh is not None
            ),
            loss=loss,
            data_collator=collator,
            callbacks=[own for own in (averaging, callback, resuming, refreshing) if own is not None],
        )
        trainer.remove_callback(PrinterCallback)  # it prints on stdout
        trainer.data_collator = refreshing.collator(trainer.data_collator)
        trainer.encoder, trainer.masks = encoder, masks
        trainer.by_relevance = config.train.batch_sampler is BatchSampler.relevance
        trainer.on_batch = callback.add_batch
        trainer.train(resume_from_checkpoint=str(resumed.folder) if resumed else None)
        if averaging is not None and averaging.count and callback.history:
            callback.evaluate_average(lambda: averaging.apply(model))
    return TrainingOutcome(
        steps=trainer.state.global_step,
        tokens=callback.history[-1].tokens if callback.history else 0,
        seconds=time.perf_counter() - started,
        loss=callback.history[-1].loss if callback.history else None,
        logs=tuple(callback.history),
        moved=not np.allclose(_fingerprint(model), untrained, rtol=1e-9, atol=1e-12, equal_nan=True),
    )


def to_dataset(
    training: Sequence[TrainingSet], scores: Scores = Scores.NONE, *, numbered: bool = False
) -> Dataset | DatasetDict:
    """The training sets in the trainer's form: a single set, or several by name.

    Args:
        training: The rows.
        scores: What the loss reads of their scores; it comes in the column ``label``.
        numbered: The loss reads the numbers of the rows there, counted over all sets.
    """
    sets, before = {}, 0
    for part in training:
        columns: dict[str, list[Any]] = {name: list(texts) for name, texts in part.columns.items()}
        if scores is not Scores.NONE:
            columns[LABEL] = [list(row) if len(row) > 1 else row[0] for row in part.scores]
        if numbered:
            columns[LABEL] = list(range(before, before + len(part)))
        before += len(part)
        sets[part.name] = Dataset.from_dict(columns)
    return DatasetDict(sets) if len(sets) > 1 else next(iter(sets.values()))


def _fingerprint(model: SentenceTransformer) -> list[tuple[float, float]]:
    """Two sums over each weight that is trained: close only if none of its values changed, but for a rare accident."""
    weights = (_wide(weight.detach()) for weight in model.parameters() if weight.requires_grad)
    return [(float(weight.sum()), float(weight.square().sum())) for weight in weights]


def _wide(weight: Tensor) -> Tensor:
    """In 64 bits, which mps does not have."""
    return (weight.cpu() if weight.device.type == "mps" else weight).double()


@contextmanager
def _plain(model: SentenceTransformer) -> Iterator[None]:
    """The model as others know it: its own forward, without autocast, in evaluation mode."""
    forward = model.__dict__.pop("forward", None)
    model.eval()
    try:
        yield
    finally:
        if forward is not None:
            model.forward = forward
        model.train()


@contextmanager
def _cleaned_up(model: SentenceTransformer) -> Iterator[None]:
    try:
        yield
    finally:
        forget_training(model)
