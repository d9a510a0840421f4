"""Trials that are judged by folds of the training rows."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from embedtune import archive
from embedtune.config import Config, ModelConfig, Precision, TrainConfig
from embedtune.data import make_folds
from embedtune.evaluation import evaluate_retrieval, read_judged, read_scores
from embedtune.models.load import load_model
from embedtune.paths import StudyPaths, write_json
from embedtune.records import Evaluation, Objective, RetrievalSet, State, TaskData, TrainingSet, TrialRecord
from embedtune.training import Attempt, Listener, Progress, train_model
from embedtune.trial import cross_validation
from embedtune.trial.bench import Bench
from embedtune.trial.resume import take_over
from embedtune.trial.run import run_baseline, run_trial
from embedtune.trial.watching import Hooks
from reporters import Answering

METRIC = "cosine_map@100"
FOLDS = 3


class Watcher:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.folds: list[tuple[str, float]] = []
        self.evaluations: list[Evaluation] = []

    def began(self, record: TrialRecord) -> None:
        pass

    def stepped(self, number: int, progress: Progress) -> None:
        if progress.stage not in self.stages:
            self.stages.append(progress.stage)

    def evaluated(self, number: int, evaluation: Evaluation) -> None:
        self.evaluations.append(evaluation)

    def fold_ended(self, number: int, fold: str, value: float) -> None:
        self.folds.append((fold, value))

    def ended(self, record: TrialRecord) -> None:
        pass


@pytest.fixture(scope="module")
def bench(small_set: RetrievalSet, small_training: TrainingSet) -> Bench:
    task = TaskData("small", "made here", (small_training,), {"validation": small_set}, {"validation": "v"})
    model = load_model(ModelConfig(name="tiny"), "cpu")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return Bench(task, model, 64, Objective("cosine_map@100", 64), make_folds(task.training, FOLDS))


@pytest.fixture(scope="module")
def config() -> Config:
    train = TrainConfig(batch_size=8, epochs=2, learning_rate=1e-3, precision=Precision.fp32, device="cpu")
    config = Config(model=ModelConfig(name="tiny"), train=train)
    return replace(config, eval=replace(config.eval, folds=FOLDS))


Run = Callable[..., tuple[TrialRecord, Watcher]]


def run_in(study: StudyPaths, bench: Bench, config: Config, number: int, **hooks: Any) -> tuple[TrialRecord, Watcher]:
    watcher = Watcher()
    record = TrialRecord("s", number, State.RUNNING)
    if number < 0:
        return run_baseline(config, bench, study.baseline, record, Hooks(watcher)), watcher
    resumable = hooks.pop("resumable", False)
    hook = Hooks(watcher, **hooks)
    return run_trial(config, bench, study.trial(number), record, hook, resumable=resumable), watcher


@pytest.fixture
def study(tmp_path: Path) -> StudyPaths:
    return StudyPaths(tmp_path / "s")


@pytest.fixture
def run(bench: Bench, study: StudyPaths) -> Run:
    def run(config: Config, number: int = 0, **hooks: Any) -> tuple[TrialRecord, Watcher]:
        return run_in(study, bench, config, number, **hooks)

    return run


@dataclass(frozen=True)
class Whole:
    """A trial that ran through, and what it told."""

    study: StudyPaths
    record: TrialRecord
    watcher: Watcher
    reported: list[tuple[int, float]]


@pytest.fixture(scope="module")
def whole(bench: Bench, config: Config, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    study = StudyPaths(tmp_path_factory.mktemp("whole") / "s")
    reported: list[tuple[int, float]] = []
    record, watcher = run_in(
        study, bench, config, 0, reporter=Answering(lambda ordinal, value: bool(reported.append((ordinal, value))))
    )
    return Whole(study, record, watcher, reported)


def test_value_is_the_mean_over_all_training_queries(whole: Whole, bench: Bench) -> None:
    record, watcher, trial = whole.record, whole.watcher, whole.study.trial(0)
    scores = read_scores(trial.folds)
    assert record.state == State.COMPLETE
    assert len(scores.query_ids) == len(set(scores.query_ids)) == 30
    assert record.value == pytest.approx(scores.per_query[64][METRIC].mean())
    assert len(set(scores.group_of)) == 10
    assert read_judged(trial).query_ids == scores.query_ids
    assert watcher.stages == ["fold 1/3", "fold 2/3", "fold 3/3", ""]
    assert whole.reported == [(i, value) for i, (_, value) in enumerate(watcher.folds, start=1)]
    assert whole.reported[-1] == (3, record.value)
    assert not trial.fold_parts.exists()
    evaluations = archive.read_evaluations(trial)
    assert evaluations == tuple(watcher.evaluations)
    assert record.metrics == next(e.metrics for e in evaluations if e.step == record.best_step)
    model = load_model(ModelConfig(name=str(trial.checkpoint)), "cpu")
    again = evaluate_retrieval(model, bench.task.splits["validation"], [64]).metrics
    assert again["64"][METRIC] == pytest.approx(record.metrics["64"][METRIC], abs=1e-9)


def test_each_query_is_scored_by_a_model_that_did_not_train_on_it(
    whole: Whole, config: Config, bench: Bench, tmp_path: Path
) -> None:
    """The first fold, trained here by hand, gives the first scores of the file."""
    scores = read_scores(whole.study.trial(0).folds)
    fold, model = bench.folds[0], copy.deepcopy(bench.model)
    found: list[np.ndarray] = []

    def evaluate(progress: Progress) -> None:
        found.append(evaluate_retrieval(model, fold.held_out, [64]).per_query[64][METRIC])

    train_model(model, fold.training, config, Attempt(tmp_path), Listener(evaluate))
    evaluations = archive.read_evaluations(whole.study.trial(0))
    ordinal = [e.step for e in evaluations].index(whole.record.best_step)
    np.testing.assert_allclose(scores.per_query[64][METRIC][: len(fold.held_out.queries)], found[ordinal], atol=1e-9)


def test_weights_are_kept_where_the_folds_were_best(run: Run, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    original = cross_validation.pool
    monkeypatch.setattr(cross_validation, "pool", lambda *args: replace(original(*args), epoch=1.0))
    record, _ = run(config)
    assert record.best_epoch == 1.0


def test_baseline_is_the_untuned_model_on_the_same_queries(
    run: Run, config: Config, study: StudyPaths, bench: Bench, whole: Whole
) -> None:
    baseline, _ = run(config, -1)
    untuned = read_scores(study.baseline.folds)
    assert untuned.query_ids == read_scores(whole.study.trial(0).folds).query_ids
    assert baseline.value == pytest.approx(untuned.per_query[64][METRIC].mean())
    assert baseline.metrics["64"][METRIC] != baseline.value
    query = bench.folds[1].held_out
    alone = evaluate_retrieval(bench.model, query, [64])
    part = [untuned.query_ids.index(key) for key in query.queries]
    np.testing.assert_allclose(untuned.per_query[64][METRIC][part], alone.per_query[64][METRIC], atol=1e-9)


def test_a_bad_trial_is_pruned_after_a_fold(run: Run, config: Config, study: StudyPaths) -> None:
    record, watcher = run(config, reporter=Answering(lambda ordinal, _: ordinal == 2))
    assert record.state == State.PRUNED
    assert str(record.reason).startswith("pruned after fold 2/3 at 0.")
    assert record.value is None  # a mean over fewer queries would not compare
    assert watcher.stages == ["fold 1/3", "fold 2/3"]
    assert not study.trial(0).folds.exists()
    assert not study.trial(0).fold_parts.exists()
    assert record.facts["tokens"] > 0


def test_an_interrupted_trial_goes_on_after_its_finished_folds(
    run: Run, config: Config, study: StudyPaths, whole: Whole
) -> None:
    def interrupt(ordinal: int, _: float) -> bool:
        if ordinal == 3:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        run(config, 0, resumable=True, reporter=Answering(interrupt))
    take_over([study.trial(0)], study.trial(1))
    reported: list[int] = []
    record, watcher = run(
        config, 1, resumable=True, reporter=Answering(lambda ordinal, _: bool(reported.append(ordinal)))
    )
    assert watcher.stages == ["fold 3/3", ""]
    assert reported == [1, 2, 3]
    assert (record.value, record.metrics) == (whole.record.value, whole.record.metrics)
    assert record.facts["tokens"] == whole.record.facts["tokens"]
    assert not study.trial(1).fold_parts.exists()


def test_time_of_folds_that_are_not_run_again_counts(run: Run, config: Config, study: StudyPaths) -> None:
    def interrupt(ordinal: int, _: float) -> bool:
        if ordinal == 2:
            raise KeyboardInterrupt
        return False

    fewer = replace(config, train=replace(config.train, epochs=1))
    with pytest.raises(KeyboardInterrupt):
        run(fewer, 0, resumable=True, reporter=Answering(interrupt))
    index = study.trial(0).fold_parts / "1.json"
    write_json(index, {**json.loads(index.read_text()), "seconds": 1000.0, "mini_batch_size": 4})
    take_over([study.trial(0)], study.trial(1))
    record, _ = run(fewer, 1, resumable=True)
    assert 1000 < record.seconds < 1100
    assert record.started / 1000 + record.seconds == pytest.approx(time.time(), abs=60)
    assert record.facts["mini_batch_size"] == 4
    assert record.facts["folds_done"] == FOLDS


@pytest.mark.parametrize("harm", ["torn", pytest.param("other recipe", marks=pytest.mark.slow)])
def test_folds_that_cannot_be_used_are_trained_again(run: Run, config: Config, study: StudyPaths, harm: str) -> None:
    def interrupt(ordinal: int, _: float) -> bool:
        raise KeyboardInterrupt

    fewer = replace(config, train=replace(config.train, epochs=1))
    with pytest.raises(KeyboardInterrupt):
        run(
            fewer,
            0,
            resumable=True,
            reporter=Answering(lambda ordinal, value: ordinal > 1 and interrupt(ordinal, value)),
        )
    assert (study.trial(0).fold_parts / "1.json").is_file()
    if harm == "torn":
        (study.trial(0).fold_parts / "1-0.parquet").write_bytes(b"PAR1")
    again = fewer if harm == "torn" else replace(fewer, train=replace(fewer.train, seed=7))
    record, watcher = run(again, 0, resumable=True)
    assert watcher.stages[0] == "fold 1/3"
    assert record.state == State.COMPLETE


def test_out_of_memory_in_a_fold_repeats_that_fold_alone(
    run: Run, config: Config, monkeypatch: pytest.MonkeyPatch, study: StudyPaths
) -> None:
    original, calls = cross_validation.train_model, []

    def once_too_large(*args: Any, **kwargs: Any) -> Any:
        calls.append(args[3].mini_batch_size)
        if len(calls) == 2:
            raise torch.OutOfMemoryError
        return original(*args, **kwargs)

    monkeypatch.setattr(cross_validation, "train_model", once_too_large)
    record, _ = run(replace(config, train=replace(config.train, epochs=1)))
    assert record.state == State.COMPLETE
    assert calls == [None, None, 4, 4]
    assert len(read_scores(study.trial(0).folds).query_ids) == 30


@pytest.mark.slow
def test_evaluations_by_steps_meet_though_folds_are_shorter(run: Run, config: Config) -> None:
    shorter = replace(config, train=replace(config.train, epochs=1))
    record, _ = run(replace(shorter, eval=replace(config.eval, every=3)))
    assert record.state == State.COMPLETE, record.reason
    assert record.best_step is not None
