"""A card's inputs with realistic values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from embedtune.config.checks import OBJECTIVES
from embedtune.records import Evaluation, State, TrainingFacts, TrialRecord
from embedtune.release import CardInputs

DIMS = (384, 256, 128)


def candidate(name: str, value: float, **more: Any) -> dict[str, Any]:
    interval = [round(value - 0.07, 2), round(value + 0.07, 2)]
    plain = {"seconds": 0.0, "shrunken": None, "default": False, "tied": False, "chosen": False, "seeds": 0,
             "seed_seconds": 0.0}  # fmt: skip
    return {"name": name, "kind": "trial", "value": value, "interval": interval, **plain, **more}


def comparison(mean: float, p_value: float) -> dict[str, Any]:
    return {"mean": mean, "interval": [0.1, 0.2], "adjusted_p": p_value, "effect_size": 0.5, "margin": 0.0,
            "queries": 100, "groups": 50}  # fmt: skip


DECISION = {
    "verdict": "promote",
    "gated": True,
    "reasons": [
        "trial 3 is better than the untuned model: +0.1500 (95 % interval +0.1000 to +0.2000, p = 0.002) on 100 test "
        "queries in 50 groups that share passages."
    ],
    "chosen": {"name": "trial 3", "kind": "trial", "trials": [3]},
    "selection": {
        "split": "validation",
        "tied": ["trial 5", "trial 3"],
        "reason": "trial 3 cannot be told apart from trial 5 on 100 queries, and is the default recipe",
    },
    "candidates": [
        candidate("trial 5", 0.79, shrunken=0.775, seconds=120.0, tied=True),
        candidate("trial 3", 0.78, shrunken=0.77, seconds=184.2, tied=True, chosen=True, default=True),
        candidate("untuned model", 0.6) | {"interval": [0.5, 0.7]},
    ],
    "comparisons": [{"against": "untuned model", "split": "test", **comparison(0.15, 0.002), "passed": True}],
    "dims": {
        "split": "test",
        "margin": 0.01,
        "smallest": 256,
        "cheapest": {"dim": 256, "precision": "int8"},
        "rows": [
            {"dim": dim, "precision": precision, "value": 0.7, "comparison": None if dim == 384 else comparison(0, 0.5),
             "sufficient": dim > 128, "bytes_per_million": dim * bits // 8 * 1_000_000}
            for dim, precision, bits in ((384, "float32", 32), (256, "int8", 8), (128, "binary", 1))
        ],
    },
    "queries_needed": None,
    "openings": [{"time": 1767312000, "reason": "release rights", "command": "embedtune release"}],
    "objective": "cosine_map@100",
    "dim": 384,
    "level": 0.95,
    "margin": 0.01,
}  # fmt: skip
"""As the command answers it."""


def metrics(base: float) -> dict[str, dict[str, float]]:
    """Every metric of every dimension, all of them different."""
    return {
        str(dim): {name: base + dim / 10_000 + position / 1_000 for position, name in enumerate(OBJECTIVES)}
        for dim in DIMS
    }


@pytest.fixture(scope="session")
def inputs(training_facts: TrainingFacts) -> CardInputs:
    evaluations = tuple(
        Evaluation(
            step=step,
            epoch=step / 50,
            value=value,
            metrics=metrics(value),
            seconds=step / 10,
            timestamp=step,
            loss=loss,
        )
        for step, value, loss in ((0, 0.60, None), (50, 0.71, 2.31), (100, 0.78, 1.02), (150, 0.77, 0.64))
    )
    record = TrialRecord(
        study="rights",
        number=3,
        state=State.COMPLETE,
        params={
            "train.batch_size": 32,
            "train.learning_rate": 0.00012345678,
            "train.batch_sampler": "no_duplicates",
            "loss.matryoshka.weights.128": 0.5,
        },
        value=0.78,
        best_step=100,
        best_epoch=2.0,
        metrics=metrics(0.78),
        seconds=184.2,
        facts={"dim": 384, "git_revision": "f5fe7c1d"},
    )
    return CardInputs(
        name="rights",
        record=record,
        facts=training_facts,
        evaluations=evaluations,
        scores={"validation": metrics(0.78), "test": metrics(0.75)},
        baseline={"validation": metrics(0.60)},
        objective="cosine_map@100",
        study={
            "name": "rights",
            "n_trials": 6,
            "states": {"complete": 4, "pruned": 1, "fail": 1, "running": 0},
            "space": {
                "train.batch_size": "choice(16, 20, 32, 64)",
                "train.learning_rate": "tag(log, interval(1e-5, 3e-4))",
                "train.batch_sampler": "choice(plain, no_duplicates)",
            },
            "sampler": {"_target_": "optuna.samplers.TPESampler", "seed": 42, "multivariate": True},
            "pruner": None,
            "objective": "cosine_map@100",
            "seconds": 4211.0,
            "leakage": ["2 queries are both in train and in test, e.g. 'a|b'."],
            "data": {
                "name": "ai_rights",
                "source": "/home/somebody/data/ai_rights",
                "digests": {"train": "a" * 64, "validation": "b" * 64, "test": "c" * 64},
            },
        },
        usage=("What are the risks?", "Moderator: the risks are bias and opacity.", "An unrelated passage."),
        widget=(
            ("What are the risks?", ("The risks are bias and opacity.", "An unrelated passage.", "Another one.")),
            ("Who wrote it?", ("The Office wrote it.", "An unrelated passage.", "Another one.")),
        ),
        decision=DECISION,
    )


@pytest.fixture(scope="session")
def short_inputs(inputs: CardInputs) -> CardInputs:
    """The same with one dimension of one split, to render many times."""
    scores = {"validation": {"384": inputs.scores["validation"]["384"]}}
    return replace(inputs, scores=scores, baseline={}, evaluations=inputs.evaluations[:1])
