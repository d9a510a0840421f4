from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from embedtune import archive
from embedtune.config import Config, ModelConfig, Precision, TrainConfig
from embedtune.evaluation import read_scores
from embedtune.models.load import load_model
from embedtune.paths import StudyPaths, TrialPaths
from embedtune.records import (
    Evaluation,
    Interruption,
    Objective,
    RetrievalSet,
    State,
    TaskData,
    TrainingSet,
    TrialRecord,
)
from embedtune.training import Progress
from embedtune.trial import bench as bench_module
from embedtune.trial.bench import Bench
from embedtune.trial.run import run_baseline, run_trial
from embedtune.trial.watching import Hooks
from reporters import Answering

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class Watcher:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.losses: list[float | None] = []
        self.values: list[float] = []
        self.states: list[State] = []

    def began(self, record: TrialRecord) -> None:
        self.states.append(record.state)

    def stepped(self, number: int, progress: Progress) -> None:
        self.losses.append(progress.loss)

    def evaluated(self, number: int, evaluation: Evaluation) -> None:
        self.values.append(evaluation.value)

    def ended(self, record: TrialRecord) -> None:
        self.states.append(record.state)


@pytest.fixture(scope="module")
def bench(small_set: RetrievalSet, small_training: TrainingSet) -> Bench:
    task = TaskData("small", "made here", (small_training,), {"validation": small_set}, {"validation": "v"})
    model = load_model(ModelConfig(name="tiny"), "cpu")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return Bench(task, model, 64, Objective("cosine_map@100", 64))


@pytest.fixture
def config() -> Config:
    train = TrainConfig(batch_size=8, epochs=2, learning_rate=1e-3, precision=Precision.fp32, device="cpu")
    return Config(model=ModelConfig(name="tiny"), train=train)


Run = Callable[..., tuple[TrialRecord, Watcher]]


@pytest.fixture
def run(bench: Bench, tmp_path: Path) -> Run:
    def run(config: Config, bench: Bench = bench, **hooks: Any) -> tuple[TrialRecord, Watcher]:
        watcher = Watcher()
        trial = StudyPaths(tmp_path / "s").trial(0)
        begun = TrialRecord("s", 0, State.RUNNING, params={"train.epochs": 2})
        return run_trial(config, bench, trial, begun, Hooks(watcher, **hooks)), watcher

    return run


@pytest.fixture
def trial(tmp_path: Path) -> TrialPaths:
    return StudyPaths(tmp_path / "s").trial(0)


def test_run_trial_records_everything(run: Run, trial: TrialPaths, config: Config) -> None:
    delivered: list[bool] = []
    record, watcher = run(config, deliver=lambda paths: delivered.append(paths.result.is_file()))
    assert record.state == State.COMPLETE
    assert record.value == max(watcher.values)
    assert archive.read_record(StudyPaths(trial.root.parents[1]), 0) == record
    evaluations = archive.read_evaluations(trial)
    assert [e.value for e in evaluations] == watcher.values
    best = max(evaluations, key=lambda e: e.value)
    assert (record.best_step, record.metrics) == (best.step, best.metrics)
    assert read_scores(trial.scores).metrics == record.metrics
    assert record.facts["steps"] == len(watcher.losses) == 8
    assert record.facts["tokens"] > record.facts["rows_seen"] == record.facts["rows_asked"] == 60
    assert (record.facts["rows_share"], record.facts["epochs_seen"]) == (1.0, 2.0)
    assert archive.read_facts(trial) is not None
    assert archive.read_config(trial)["train"]["batch_size"] == 8
    assert delivered == [False, False, False, True]
    assert not list(trial.root.glob("trainer-*"))


def test_groups_of_queries_are_found_once_for_all_evaluations(
    run: Run, bench: Bench, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    original = bench_module.query_groups
    monkeypatch.setattr(bench_module, "query_groups", lambda relevant: calls.append(1) or original(relevant))
    _, watcher = run(config, bench=replace(bench))
    assert len(watcher.values) == 2
    assert calls == [1]


def test_run_trial_keeps_the_weights_of_the_best_step(
    run: Run, trial: TrialPaths, config: Config, bench: Bench
) -> None:
    from embedtune.evaluation import evaluate_retrieval

    record, _ = run(replace(config, train=replace(config.train, epochs=3)))
    model = load_model(ModelConfig(name=str(trial.checkpoint)), "cpu")
    again = evaluate_retrieval(model, bench.task.splits["validation"], [64]).metrics
    assert again["64"]["cosine_map@100"] == pytest.approx(record.value, abs=1e-9)
    assert not any(file.suffix in {".bin", ".pt", ".pkl"} for file in trial.root.rglob("*"))


def test_run_trial_leaves_the_base_model_alone(run: Run, config: Config, bench: Bench) -> None:
    before = {name: value.clone() for name, value in bench.model.state_dict().items()}
    run(config)
    assert all(torch.equal(before[name], value) for name, value in bench.model.state_dict().items())


def test_run_trial_twice_gives_the_same_scores(run: Run, config: Config) -> None:
    first, _ = run(config)
    second, _ = run(config)
    assert first.metrics == second.metrics


def test_run_trial_is_pruned_when_the_report_says_so(run: Run, config: Config) -> None:
    reported: list[tuple[int, float]] = []

    def report(ordinal: int, value: float) -> bool:
        reported.append((ordinal, value))
        return True

    record, watcher = run(config, reporter=Answering(report))
    assert record.state == State.PRUNED
    assert record.reason == "pruned after evaluation 1"
    assert reported == [(1, watcher.values[0])]
    assert record.value == watcher.values[0]
    assert record.facts["steps"] == 4


def test_run_trial_says_before_training_that_it_will_see_few_rows(
    run: Run, bench: Bench, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    few = TrainingSet("few", {name: texts[:10] for name, texts in bench.task.training[0].columns.items()})
    two = replace(bench, task=replace(bench.task, training=(*bench.task.training, few)))
    record, watcher = run(config, bench=two)
    assert "The training sees 52 of the 80 rows that train.epochs=2 asks for (65%)" in caplog.text
    assert record.facts["rows_share"] == 0.65
    assert record.facts["rows_seen"] == 52
    assert record.facts["epochs_seen"] == 1.3
    assert len(watcher.losses) == 8


def test_run_trial_failure_is_a_record_with_its_traceback(run: Run, trial: TrialPaths, config: Config) -> None:
    record, _ = run(replace(config, train=replace(config.train, learning_rate=1e30)))
    assert record.state == State.FAIL
    assert "must be finite" in str(record.reason)
    assert json.loads(trial.result.read_text())["state"] == "fail"
    assert "Traceback" in trial.log.read_text(encoding="utf-8")


def test_run_trial_interruption_is_recorded_and_goes_on(run: Run, trial: TrialPaths, config: Config) -> None:
    def interrupt(ordinal: int, value: float) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(config, reporter=Answering(interrupt))
    record = archive.read_record(StudyPaths(trial.root.parents[1]), 0)
    assert record is not None
    assert (record.state, record.interrupted) == (State.FAIL, Interruption.STOPPED)


def test_run_trial_out_of_memory_keeps_the_objective(
    run: Run, config: Config, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, plain = run(config)
    whole = type(bench.model).forward

    def forward(model: SentenceTransformer, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        rows = next(iter(features.values()))
        if model.training and len(rows) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory, injected")
        return whole(model, features, **kwargs)

    monkeypatch.setattr(type(bench.model), "forward", forward)
    record, cached = run(config)
    assert record.state == State.COMPLETE
    assert record.facts["mini_batch_size"] == 2
    assert cached.losses[0] == pytest.approx(plain.losses[0], rel=1e-4)
    assert cached.losses[-1] == pytest.approx(plain.losses[-1], rel=1e-3)
    assert len(cached.values) == len(plain.values)


def test_run_trial_out_of_memory_for_one_row_fails(
    run: Run, config: Config, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forward(*args: Any, **kwargs: Any) -> dict[str, Any]:
        raise torch.OutOfMemoryError("CUDA out of memory, injected")

    monkeypatch.setattr(type(bench.model), "forward", forward)
    record, _ = run(config)
    assert record.state == State.FAIL
    assert "out of memory" in str(record.reason)


def test_run_baseline_is_a_record_without_training(bench: Bench, tmp_path: Path, config: Config) -> None:
    study = StudyPaths(tmp_path / "s")
    record = run_baseline(config, bench, study.baseline, TrialRecord("s", -1, State.RUNNING), Hooks(Watcher()))
    assert record.is_baseline
    assert (record.state, record.best_step, record.best_epoch) == (State.COMPLETE, 0, 0.0)
    assert archive.read_record(study, -1) == record
    assert not study.baseline.checkpoint.exists()
