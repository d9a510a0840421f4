"""A card's inputs with realistic values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from embedtune.config.rules.evaluation import OBJECTIVES
from embedtune.records import Evaluation, Opening, State, StudyDefinition, TrainingFacts, TrialRecord
from embedtune.release import CardInputs
from embedtune.release.card.inputs import SearchSummary
from embedtune.release.choice.candidates import Candidate, Kind
from embedtune.release.choice.selection import Selection
from embedtune.release.gate.decision import Decision, Standing
from embedtune.release.gate.gate import Check, Verdict
from embedtune.release.gate.sizes import Precision, Size, SizeReport, Sufficiency
from embedtune.statistics import Comparison, Criterion, Interval

DIMS = (384, 256, 128)


QUERIES = 100
GROUPS = np.arange(QUERIES) // 2
CRITERION = Criterion(margin=0.01)


def standing(name: str, value: float, shrunken: float | None, **more: Any) -> Standing:
    """A candidate with the same score for every query."""
    candidate = Candidate(name, Kind.TRIAL, np.full(QUERIES, value), **{"dim": 384, **more})
    return Standing(candidate, Interval(round(value - 0.07, 2), round(value + 0.07, 2), 0.95), shrunken)


def comparison(mean: float, p_value: float) -> Comparison:
    return Comparison(mean, Interval(0.1, 0.2, 0.95), p_value, p_value, 0.5, QUERIES, QUERIES // 2)


STANDINGS = (
    standing("trial 5", 0.79, 0.775, seconds=120.0, numbers=(5,)),
    standing("trial 3", 0.78, 0.77, seconds=184.2, numbers=(3,), is_default=True),
    Standing(Candidate("untuned model", Kind.UNTUNED, np.full(QUERIES, 0.6), 384), Interval(0.5, 0.7, 0.95), None),
)
SIZES = ((384, Precision.FLOAT32), (256, Precision.INT8), (256, Precision.FLOAT32), (128, Precision.BINARY))
DECISION = Decision(
    objective="cosine_map@100",
    dim=384,
    criterion=CRITERION,
    gated=True,
    standings=STANDINGS,
    chosen_on="validation",
    selection=Selection(
        STANDINGS[1].candidate,
        ("trial 5", "trial 3"),
        "trial 3 cannot be told apart from trial 5 on 100 queries, and is the default recipe",
    ),
    judged_on="test",
    verdict=Verdict((Check("untuned model", 0.0, comparison(0.15, 0.002), True, None),)),
    sizes=SizeReport(
        tuple(
            Sufficiency(
                Size(dim, precision, np.full(QUERIES, 0.7)), None if dim == 384 else comparison(0, 0.5), dim > 128
            )
            for dim, precision in SIZES
        ),
        0.01,
    ),
    openings=(Opening(1767312000, "release rights", "embedtune release"),),
    time=1767312000,
)


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
        search=SearchSummary(
            StudyDefinition.from_dict(
                {
                    "name": "rights",
                    "kind": "sweep",
                    "objective": "cosine_map@100",
                    "dim": 384,
                    "n_trials": 6,
                    "space": {
                        "train.batch_size": "choice(16, 20, 32, 64)",
                        "train.learning_rate": "tag(log, interval(1e-5, 3e-4))",
                        "train.batch_sampler": "choice(plain, no_duplicates)",
                    },
                    "sampler": {"_target_": "optuna.samplers.TPESampler", "seed": 42, "multivariate": True},
                    "data": {"name": "ai_rights", "source": "/home/somebody/data/ai_rights"},
                    "digests": {"train": "a" * 64, "validation": "b" * 64, "test": "c" * 64},
                    "model": {"name": "minilm"},
                }
            ),
            {State.COMPLETE: 4, State.PRUNED: 1, State.FAIL: 1, State.RUNNING: 0},
            4211.0,
            ("2 queries are both in train and in test, e.g. 'a|b'.",),
        ),
        examples=(
            (
                "What are the risks?",
                ("Moderator: the risks are bias and opacity.", "An unrelated passage.", "Another one."),
            ),
            ("Who wrote it?", ("The Office wrote it.", "An unrelated passage.", "Another one.")),
        ),
        decision=DECISION,
    )


@pytest.fixture(scope="session")
def short_inputs(inputs: CardInputs) -> CardInputs:
    """The same with one dimension of one split, to render many times."""
    scores = {"validation": {"384": inputs.scores["validation"]["384"]}}
    return replace(inputs, scores=scores, baseline={}, evaluations=inputs.evaluations[:1])
