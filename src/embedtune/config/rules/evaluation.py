"""The rules of ``eval.*``, and the names of the metrics."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from embedtune.config.rules.data import SPLITS
from embedtune.config.schema import DIMENSION, SMALLEST, Average, EvalConfig, TrainConfig
from embedtune.errors import must

SIMILARITIES = ("cosine", "dot")
CUTOFFS = (1, 3, 5, 10)
KINDS = ("accuracy", "precision", "recall", "ndcg", "mrr", "map")
METRICS = tuple(
    [f"{kind}@{k}" for kind in ("accuracy", "precision", "recall") for k in CUTOFFS] + ["ndcg@10", "mrr@10", "map@100"]
)
"""Those that are always measured, as sentence-transformers' evaluator does."""
OBJECTIVES = tuple(f"{similarity}_{metric}" for similarity in SIMILARITIES for metric in METRICS)
DEEPEST = 1000
"""The largest cutoff: so many passages are ranked for each query."""

_METRIC = re.compile(rf"({'|'.join(SIMILARITIES)})_({'|'.join(KINDS)})@([1-9]\d{{0,3}})")


def metrics_at(cutoffs: Sequence[int], objective: str = "") -> tuple[str, ...]:
    """Every metric that is measured, without a similarity: the usual ones, then those of the further cutoffs.

    Args:
        cutoffs: ``eval.cutoffs``.
        objective: ``eval.objective``, whose own cutoff is measured too.
    """
    own = _METRIC.fullmatch(objective)
    asked = {*cutoffs, *([int(own[3])] if own and f"{own[2]}@{own[3]}" not in METRICS else [])}
    return (*METRICS, *(f"{kind}@{k}" for k in sorted(asked) for kind in KINDS if f"{kind}@{k}" not in METRICS))


def objectives_at(cutoffs: Sequence[int], objective: str = "") -> tuple[str, ...]:
    """The same for each similarity."""
    return tuple(f"{similarity}_{metric}" for similarity in SIMILARITIES for metric in metrics_at(cutoffs, objective))


def is_objective(name: str) -> bool:
    """Whether a metric of this name can be measured."""
    found = _METRIC.fullmatch(name)
    return found is not None and int(found[3]) <= DEEPEST


def eval_problems(evaluation: EvalConfig, train: TrainConfig) -> Iterator[str]:
    """Every broken rule of the evaluation."""
    yield from must(
        not evaluation.folds or train.average is Average.none, "train.average", "be none with eval.folds",
        train.average.name, "The folds choose among the evaluations of the steps.",
    )  # fmt: skip
    yield from must(
        is_objective(evaluation.objective), "eval.objective",
        f"be cosine_ or dot_, one of {', '.join(KINDS)}, @ and a cutoff up to {DEEPEST}", evaluation.objective,
        "Try cosine_map@100.",
    )  # fmt: skip
    wrong = [k for k in evaluation.cutoffs if not 1 <= k <= DEEPEST]
    yield from must(
        not wrong and len(set(evaluation.cutoffs)) == len(evaluation.cutoffs), "eval.cutoffs",
        f"be different whole numbers from 1 to {DEEPEST}", evaluation.cutoffs, "Try [20,50,100].",
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
    if evaluation.corpus is not None:
        yield from must(
            evaluation.corpus >= 1, "eval.corpus", "be a number of passages or null", evaluation.corpus,
            "null searches the whole corpus.",
        )  # fmt: skip
        yield from must(
            evaluation.folds == 0, "eval.folds", "be 0 with eval.corpus", evaluation.folds,
            "Folds are searched in the passages of the training rows, all of them.",
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
