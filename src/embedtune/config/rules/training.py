"""The rules of ``train.*``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.util import find_spec

from embedtune.config.schema import BatchSampler, LoraConfig, LossConfig, NegativesConfig, TrainConfig
from embedtune.errors import must

SCHEDULERS = ("linear", "cosine", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt")
EPOCHS = 1_000_000
RANK = 4096
NEGATIVES = 64
"""Negatives of a row: each is one more text of a step."""
SEEDS = 2**32
"""NumPy accepts seeds below this."""


def train_problems(train: TrainConfig, loss: LossConfig) -> Iterator[str]:
    """Every broken rule of one fine-tuning."""
    yield from must(
        train.batch_size >= 2, "train.batch_size", "be at least 2", train.batch_size,
        "The other rows of a batch are its negatives; try 20.",
    )  # fmt: skip
    yield from must(
        0 < train.epochs <= EPOCHS, "train.epochs", f"be above 0 and at most {EPOCHS}", train.epochs, "Try 5."
    )
    yield from must(
        train.learning_rate > 0 and math.isfinite(train.learning_rate), "train.learning_rate", "be above 0",
        train.learning_rate, "Try 5e-5.",
    )  # fmt: skip
    yield from must(
        0 <= train.warmup_ratio < 1, "train.warmup_ratio", "be at least 0 and below 1", train.warmup_ratio,
        "It is the share of all steps; try 0.1.",
    )  # fmt: skip
    yield from must(
        0 <= train.weight_decay < math.inf, "train.weight_decay", "be at least 0", train.weight_decay, "Try 0.01."
    )
    yield from must(
        train.max_grad_norm >= 0, "train.max_grad_norm", "be at least 0", train.max_grad_norm, "0 turns clipping off."
    )
    yield from must(
        train.scheduler in SCHEDULERS, "train.scheduler", f"be one of {', '.join(SCHEDULERS)}", train.scheduler,
        "Try linear.",
    )  # fmt: skip
    yield from must(0 <= train.seed < SEEDS, "train.seed", f"be at least 0 and below {SEEDS}", train.seed, "Try 42.")
    yield from _negatives_problems(train.negatives)
    yield from _refresh_problems(train, loss)
    if train.lora is not None:
        yield from _lora_problems(train.lora)
    yield from must(train.chunks >= 1, "train.chunks", "be at least 1", train.chunks, "1 runs a batch in one piece.")
    yield from must(
        not (train.gradient_checkpointing and loss.name.startswith("cached_")),
        "train.gradient_checkpointing", f"be false with loss.name={loss.name}", "true",
        "Both compute activations a second time to save memory, and one undoes the other: remove it, or take "
        f"loss.name={loss.name.removeprefix('cached_')}.",
    )  # fmt: skip


def _negatives_problems(negatives: NegativesConfig) -> Iterator[str]:
    ranks = negatives.range
    valid = isinstance(ranks, list) and len(ranks) == 2 and 0 <= ranks[0] < ranks[1]
    yield from must(valid, "train.negatives.range", "be two ranks, the first below the second", ranks, "Write [0,100].")
    most = ranks[1] - ranks[0] if valid else NEGATIVES
    yield from must(
        0 <= negatives.count <= min(most, NEGATIVES), "train.negatives.count",
        f"be at least 0 and at most {min(most, NEGATIVES)}", negatives.count,
        "0 mines none.",
    )  # fmt: skip
    if negatives.margin is not None:
        yield from must(
            0 <= negatives.margin <= 1, "train.negatives.margin", "be at least 0 and at most 1", negatives.margin,
            "null takes any passage that is no answer.",
        )  # fmt: skip
    if negatives.model is not None:
        yield from must(
            bool(negatives.model.strip()), "train.negatives.model", "name a model", repr(negatives.model),
            "null is the base model.",
        )  # fmt: skip


def _refresh_problems(train: TrainConfig, loss: LossConfig) -> Iterator[str]:
    """What cannot be when negatives change while a training runs."""
    key, refresh = "train.negatives.refresh", train.negatives.refresh
    if refresh is None:
        return
    yield from must(refresh >= 1, key, "be at least 1, in epochs", refresh, "null mines once.")
    if not train.negatives.count:
        return
    yield from must(
        train.batch_sampler is BatchSampler.plain,
        key, f"be null with train.batch_sampler={train.batch_sampler.name}", refresh,
        "Which rows may meet, and so the steps of an epoch, would follow from the negatives. Take "
        "train.batch_sampler=plain, with loss.mask_false_negatives=true.",
    )  # fmt: skip
    yield from must(
        loss.teacher is None, key, "be null with loss.teacher", refresh,
        "The teacher scores the passages before the training. Take a loss without one.",
    )  # fmt: skip


def _lora_problems(lora: LoraConfig) -> Iterator[str]:
    if find_spec("peft") is None:
        yield "train.lora must be null without peft, but got an adapter. Run: pip install 'embedtune[lora]'."
    yield from must(1 <= lora.r <= RANK, "train.lora.r", f"be at least 1 and at most {RANK}", lora.r, "Try 16.")
    yield from must(lora.alpha >= 1, "train.lora.alpha", "be at least 1", lora.alpha, "Twice train.lora.r is usual.")
    yield from must(0 <= lora.dropout < 1, "train.lora.dropout", "be at least 0 and below 1", lora.dropout, "Try 0.1.")
    targets = lora.targets
    if targets is not None:
        valid = isinstance(targets, list) and bool(targets) and all(isinstance(t, str) and t.strip() for t in targets)
        yield from must(
            valid, "train.lora.targets", "name at least one layer", targets, "Write [query,value]; null takes all."
        )
