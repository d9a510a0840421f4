"""Studies made up from a few numbers."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from embedtune.paths import StudyPaths
from embedtune.records import Evaluation, State, StudyDefinition, TrialRecord
from embedtune.reporting.leaderboard import Certainty, leaderboard
from embedtune.reporting.page.figures.plots import Plot, draw_plots
from embedtune.reporting.page.inputs import ReportInputs
from embedtune.study.default_trial import default_trial

METRIC = "cosine_map@100"
RATE, BATCH = "train.learning_rate", "train.batch_size"
SPACE = {
    RATE: FloatDistribution(1e-5, 1e-3, log=True),
    BATCH: CategoricalDistribution([16, 32, 64]),
}
Make = Callable[..., ReportInputs]


def metrics_of(value: float) -> dict[str, dict[str, float]]:
    return {dim: {METRIC: value * share} for dim, share in (("64", 1.0), ("32", 0.96), ("16", 0.8))}


def make_trial(number: int, value: float | None, state: State = State.COMPLETE, **changes: Any) -> TrialRecord:
    """A trial whose best evaluation is its last, epoch 2."""
    fields: dict[str, Any] = {
        "params": {RATE: 1e-4, BATCH: 32},
        "value": value,
        "best_step": None if value is None else 20,
        "best_epoch": None if value is None else 2.0,
        "metrics": {} if value is None else metrics_of(value),
        "seconds": 10.0 + number,
        "facts": {"tokens": 1000, "device": "cpu", "precision": "fp32", "versions": {"python": "3.11"}},
    }
    return TrialRecord("s", number, state, **{**fields, **changes})


def make_evaluation(step: int, value: float) -> Evaluation:
    return Evaluation(step, step / 10, value, metrics_of(value), float(step), 1_700_000_000_000 + step)


def make_inputs(
    records: Sequence[TrialRecord] = (), baseline: float | None = 0.5, queries: int | None = 100, **changes: Any
) -> ReportInputs:
    evaluations = {
        record.number: (make_evaluation(10, record.value - 0.01), make_evaluation(20, record.value))
        for record in records
        if record.value is not None
    }
    definition = {
        "name": "s", "kind": "sweep", "objective": METRIC, "direction": "maximize", "dim": 64,
        "n_trials": len(records), "space": {RATE: "tag(log, interval(1e-5, 1e-3))", BATCH: "choice(16, 32, 64)"},
        "sampler": {"_target_": "optuna.samplers.TPESampler", "seed": 42}, "pruner": {},
        "data": {"name": "d", "source": "x"}, "digests": {"train": "abc"}, "model": {"name": "tiny", "revision": None},
        "recipe": {"train": {"learning_rate": 5e-5, "batch_size": 32, "epochs": 2.0}, "loss": {}, "eval": {}},
        "git_revision": None,
    }  # fmt: skip
    untuned = TrialRecord("s", -1, State.COMPLETE, value=baseline, metrics=metrics_of(baseline)) if baseline else None
    defined = StudyDefinition.from_dict({**definition, **changes.pop("definition", {})})
    board = leaderboard(defined, records, baselines=[untuned] if untuned else [])
    fields: dict[str, Any] = {
        "default_trial": default_trial(StudyPaths(Path("nowhere")), defined, records),
        "board": replace(board, certainty=Certainty((), queries, 0)),
        "evaluations": evaluations,
        "distributions": SPACE,
        "command": "python -m embedtune",
    }
    return ReportInputs(**{**fields, **changes})


def make_many(count: int) -> list[TrialRecord]:
    """Trials of which the learning rate explains nearly all; a few were pruned or failed."""
    chance = random.Random(7)
    records = []
    for number in range(count):
        rate, batch = 10 ** chance.uniform(-5, -3), chance.choice([16, 32, 64])
        value = 0.6 + 0.1 * (5 + math.log10(rate)) + 0.001 * chance.random()
        state = State.FAIL if number % 13 == 5 else State.PRUNED if number % 4 == 3 else State.COMPLETE
        records.append(
            make_trial(
                number,
                None if state == State.FAIL else value,
                state,
                params={RATE: rate, BATCH: batch},
                reason=f"RuntimeError: out of memory at {number}" if state == State.FAIL else None,
            )
        )
    return records


@pytest.fixture
def trial() -> Callable[..., TrialRecord]:
    return make_trial


@pytest.fixture
def inputs() -> Make:
    return make_inputs


@pytest.fixture
def many() -> Callable[[int], list[TrialRecord]]:
    return make_many


def _odd_studies() -> dict[str, ReportInputs]:
    ugly = '<script>alert("x")</script> & $\\frac$ \u2028 日本 🙂'
    one_value = {RATE: FloatDistribution(1e-4, 1e-4), BATCH: CategoricalDistribution([32])}
    failed = [make_trial(i, None, State.FAIL, reason=ugly) for i in range(3)]
    single = {"kind": "single", "space": {}, "sampler": {}, "recipe": {}}
    return {
        "nothing": make_inputs([], None),
        "one trial": make_inputs([make_trial(0, 0.7)]),
        "all failed": make_inputs(failed),
        "all failed, no baseline": make_inputs(failed, None),
        "one pruned": make_inputs([make_trial(0, 0.7, State.PRUNED)]),
        "running": make_inputs([make_trial(0, 0.7, State.RUNNING), make_trial(1, None, State.WAITING)]),
        "equal scores": make_inputs([make_trial(i, 0.7) for i in range(12)]),
        "one value": make_inputs([make_trial(0, 0.7), make_trial(1, 0.8)], distributions=one_value),
        "zero scores, no baseline": make_inputs([make_trial(0, 0.0), make_trial(1, 0.0)], None),
        "ugly names": make_inputs(
            [make_trial(i, 0.7 + i / 10, params={f"model.{ugly}": f"{ugly}{i}"}, reason=ugly) for i in range(2)],
            distributions={}, definition={"name": ugly, "space": {f"model.{ugly}": ugly}, "model": {"name": ugly}},
        ),
        "single": make_inputs(
            [make_trial(0, 0.7, params={RATE: 1e-5}), make_trial(1, 0.8, params={RATE: 1e-3})],
            distributions={}, definition=single,
        ),
        "single alone": make_inputs([make_trial(0, 0.7, params={})], distributions={}, definition=single),
        "a hundred": make_inputs(make_many(100)),
    }  # fmt: skip


ODD = _odd_studies()


@pytest.fixture(scope="session", params=list(ODD))
def odd(request: pytest.FixtureRequest) -> ReportInputs:
    """A study that is unusual in one way."""
    return ODD[request.param]


@pytest.fixture(scope="session")
def odd_plots(odd: ReportInputs) -> list[Plot]:
    """Its plots, drawn once for all tests."""
    return draw_plots(odd)
