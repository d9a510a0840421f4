"""The rules of the configuration: of the training, its loss and its evaluation here, the others beside."""

from __future__ import annotations

import math
from collections.abc import Iterator

from embedtune.config.location import loss_names
from embedtune.config.place_checks import SPLITS, place_problems
from embedtune.config.release_checks import release_problems
from embedtune.config.schema import DIMENSION, SMALLEST, Config, EvalConfig, LossConfig, TrainConfig
from embedtune.errors import must

SCHEDULERS = ("linear", "cosine", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt")
EPOCHS = 1_000_000
SEEDS = 2**32
"""NumPy accepts seeds below this."""
SIMILARITIES = ("cosine", "dot")
CUTOFFS = (1, 3, 5, 10)
METRICS = tuple(
    [f"{kind}@{k}" for kind in ("accuracy", "precision", "recall") for k in CUTOFFS] + ["ndcg@10", "mrr@10", "map@100"]
)
OBJECTIVES = tuple(f"{similarity}_{metric}" for similarity in SIMILARITIES for metric in METRICS)


def problems(config: Config) -> list[str]:
    """Every broken rule that can be seen without reading data or a model."""
    return [
        *_train_problems(config.train),
        *_loss_problems(config.loss),
        *_eval_problems(config.eval),
        *_second_problems(config.eval),
        *place_problems(config),
        *release_problems(config),
    ]


def _train_problems(train: TrainConfig) -> Iterator[str]:
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
    yield from must(train.chunks >= 1, "train.chunks", "be at least 1", train.chunks, "1 runs a batch in one piece.")


def _loss_problems(loss: LossConfig) -> Iterator[str]:
    names = loss_names()
    yield from must(loss.name in names, "loss.name", f"be one of {', '.join(names)}", loss.name, "Try mnrl.")
    positive = loss.scale > 0 and math.isfinite(loss.scale)
    yield from must(positive, "loss.scale", "be above 0", loss.scale, "Try 20.")
    if loss.matryoshka is None:
        return
    dims, weights = loss.matryoshka.dims, loss.matryoshka.weights
    if not isinstance(dims, list | None):  # of an interpolation, which OmegaConf lets pass
        yield f"loss.matryoshka.dims must be a list of dimensions, but got {dims}. Write [64,32]."
        return
    if dims is not None:
        yield from must(
            bool(dims), "loss.matryoshka.dims", "name at least one dimension", dims, "null takes the default."
        )
        yield from must(min(dims, default=1) > 0, "loss.matryoshka.dims", "be above 0", dims, "Remove the others.")
        yield from must(len(set(dims)) == len(dims), "loss.matryoshka.dims", "not repeat", dims, "Remove the doubles.")
    for dim, weight in weights.items():
        known = dim.isdecimal() and dim == str(int(dim)) and (dims is None or int(dim) in dims)
        yield from must(
            known, f"loss.matryoshka.weights.{dim}", "be the weight of one of loss.matryoshka.dims", f"dims {dims}",
            "Add the dimension or remove the weight.",
        )  # fmt: skip
        yield from must(
            weight >= 0 and math.isfinite(weight), f"loss.matryoshka.weights.{dim}", "be at least 0", weight, "Try 1."
        )


def _eval_problems(evaluation: EvalConfig) -> Iterator[str]:
    yield from must(
        evaluation.objective in OBJECTIVES, "eval.objective", "be cosine_ or dot_ and one of " + ", ".join(METRICS),
        evaluation.objective, "Try cosine_map@100.",
    )  # fmt: skip
    yield from must(
        evaluation.split in SPLITS, "eval.split", f"be one of {', '.join(SPLITS)}", evaluation.split, "Try validation."
    )
    every = evaluation.every
    number = isinstance(every, int | float) and not isinstance(every, bool) and math.isfinite(every)
    valid = every == "epoch" or (number and (0 < every < 1 or (every >= 1 and every == int(every))))
    yield from must(
        valid, "eval.every", "be epoch, a whole number of steps, or a fraction of an epoch", every, "Try epoch or 0.5."
    )
    yield from must(evaluation.batch_size >= 1, "eval.batch_size", "be at least 1", evaluation.batch_size, "Try 32.")
    yield from must(
        evaluation.folds == 0 or evaluation.folds >= 2, "eval.folds", "be 0 or at least 2", evaluation.folds,
        "0 judges a trial on the validation split alone.",
    )  # fmt: skip
    if evaluation.dim is not None:
        yield from must(evaluation.dim > 0, "eval.dim", "be above 0", evaluation.dim, "null takes the full size.")


def _second_problems(evaluation: EvalConfig) -> Iterator[str]:
    second = evaluation.second
    if second is None:
        return
    whole = isinstance(second, int) and not isinstance(second, bool) and second > 0
    yield from must(
        whole or second in (SMALLEST, DIMENSION), "eval.second", f"be a dimension, {SMALLEST}, {DIMENSION} or null",
        second, f"{SMALLEST} is the smallest dimension measured; {DIMENSION} minimises eval.dim.",
    )  # fmt: skip
    yield from must(
        evaluation.folds == 0, "eval.folds", "be 0 with eval.second", evaluation.folds,
        "Two objectives are judged on the validation split.",
    )  # fmt: skip
