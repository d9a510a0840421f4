"""A trial judged at two sizes, or by its size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embedtune import archive
from embedtune.config import (
    Config,
    EvalConfig,
    LossConfig,
    MatryoshkaConfig,
    ModelConfig,
    Precision,
    PromptsConfig,
    TrainConfig,
)
from embedtune.errors import TrialError
from embedtune.models.load import load_model
from embedtune.paths import StudyPaths
from embedtune.records import Evaluation, Objective, RetrievalSet, State, TaskData, TrainingSet, TrialRecord
from embedtune.trial.bench import Bench, Benches
from embedtune.trial.run import run_baseline, run_trial
from embedtune.trial.watching import Hooks


class Silent:
    """Looks on and says nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


@pytest.fixture(scope="module")
def bench(small_set: RetrievalSet, small_training: TrainingSet) -> Bench:
    task = TaskData("small", "made here", (small_training,), {"validation": small_set}, {"validation": "v"})
    return Bench(task, load_model(ModelConfig(name="tiny"), "cpu"), 64, Objective("cosine_map@100", 64))


def made(second: object, dim: int | None = None) -> Config:
    return Config(
        model=ModelConfig(name="tiny"),
        train=TrainConfig(batch_size=8, epochs=3, learning_rate=5e-3, precision=Precision.fp32, device="cpu"),
        loss=LossConfig(matryoshka=MatryoshkaConfig([64, 16])),
        eval=EvalConfig(second=second, dim=dim),
    )


def judging(bench: Bench, config: Config) -> Bench:
    """As a worker has it for this configuration."""
    return Benches(config, bench).get(config)


def test_best_step_has_the_largest_mean_of_both_qualities(bench: Bench, tmp_path: Path) -> None:
    paths = StudyPaths(tmp_path / "s")
    record = run_trial(
        made("smallest"),
        judging(bench, made("smallest")),
        paths.trial(0),
        TrialRecord("s", 0, State.RUNNING),
        Hooks(Silent()),
    )
    assert record.state == State.COMPLETE
    evaluations = archive.read_evaluations(paths.trial(0))
    assert len(evaluations) == 3
    for evaluation in evaluations:
        assert evaluation.value == evaluation.metrics["64"]["cosine_map@100"]
        assert evaluation.second == evaluation.metrics["16"]["cosine_map@100"]
    best = max(evaluations, key=lambda evaluation: (evaluation.value + (evaluation.second or 0)) / 2)
    assert (record.best_step, record.value, record.second) == (best.step, best.value, best.second)
    assert record.facts["second"] == 16
    assert record.point == (best.value, best.second)
    assert archive.read_record(paths, 0) == record


def test_size_as_the_second_objective_is_that_of_the_trial(bench: Bench, tmp_path: Path) -> None:
    paths = StudyPaths(tmp_path / "s")
    config = made("dimension", 16)
    config.train.epochs = 1
    record = run_trial(
        config, judging(bench, config), paths.trial(0), TrialRecord("s", 0, State.RUNNING), Hooks(Silent())
    )
    assert record.value == record.metrics["16"]["cosine_map@100"]
    assert (record.second, record.facts["second"]) == (16.0, "dimension")
    assert record.point == (record.value, -16.0)
    assert archive.read_evaluations(paths.trial(0))[0].second is None
    whole = run_baseline(
        made("dimension"),
        judging(bench, made("dimension")),
        paths.baseline,
        TrialRecord("s", -1, State.RUNNING),
        Hooks(Silent()),
    )
    assert whole.second == 64.0


def test_a_second_value_that_is_not_a_number_fails_the_trial(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedtune.trial import recorder

    measure = recorder.measure

    def broken(*arguments: Any) -> tuple[Evaluation, Any, Any]:
        evaluation, *others = measure(*arguments)
        return (replace(evaluation, second=float("nan")), *others)

    monkeypatch.setattr(recorder, "measure", broken)
    trial, begun = StudyPaths(tmp_path / "s").trial(0), TrialRecord("s", 0, State.RUNNING)
    record = run_trial(made(16), judging(bench, made(16)), trial, begun, Hooks(Silent()))
    assert record.state == State.FAIL
    assert str(record.reason).startswith(TrialError.__name__)
    assert "must be finite, but got nan" in str(record.reason)


def test_searched_prompts_share_one_copy_of_the_weights(bench: Bench) -> None:
    benches = Benches(made(None), bench)
    prompted = [replace(made(None), model=ModelConfig("tiny", prompts=PromptsConfig(word))) for word in ("a: ", "b: ")]
    first, second = (benches.get(config).model for config in prompted)
    assert (first.prompts["query"], second.prompts["query"]) == ("a: ", "b: ")
    assert next(first.parameters()) is next(second.parameters()) is next(bench.model.parameters())
    shorter = replace(made(None), model=ModelConfig("tiny", max_seq_length=8))
    assert benches.get(shorter).model.max_seq_length == 8
    assert benches.get(made(None)).model.max_seq_length == 64
