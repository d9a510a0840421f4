"""The rules of ``eval.*``, and the names of the metrics."""

from __future__ import annotations

import math
from collections.abc import Iterator

from embedtune.config.rules.data import SPLITS
from embedtune.config.schema import DIMENSION, SMALLEST, Average, EvalConfig, TrainConfig
from embedtune.errors import must

SIMILARITIES = ("cosine", "dot")
CUTOFFS = (1, 3, 5, 10)
METRICS = tuple(
    [f"{kind}@{k}" for kind in ("accuracy", "precision", "recall") for k in CUTOFFS] + ["ndcg@10", "mrr@10", "map@100"]
)
OBJECTIVES = tuple(f"{similarity}_{metric}" for similarity in SIMILARITIES for metric in METRICS)


def eval_problems(evaluation: EvalConfig, train: TrainConfig) -> Iterator[str]:
    """Every broken rule of the evaluation."""
    yield from must(
        not evaluation.folds or train.average is Average.none, "train.average", "be none with eval.folds",
        train.average.name, "The folds choose among the evaluations of the steps.",
    )  # fmt: skip
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
    yield from _second_problems(evaluation)


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
