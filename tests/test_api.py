"""Studies read from Python, from folders as a sweep leaves them."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import embedtune
from embedtune import archive
from embedtune.config import Config
from embedtune.errors import ConfigError, DataError
from embedtune.evaluation import write_scores
from embedtune.paths import StudyPaths
from embedtune.records import Evaluation, Objective, RetrievalScores, Search, State, TaskData, TrialRecord
from embedtune.study import open_study, requeue
from embedtune.study.definition import define_study, save_definition

NAME = "prüfung №1"
RATE, BATCH, SAMPLER = "train.learning_rate", "train.batch_size", "train.batch_sampler"


def metrics_at(value: float) -> dict[str, dict[str, float]]:
    return {
        "64": {"cosine_map@100": value, "dot_map@100": value},
        "16": {"cosine_map@100": value / 2, "dot_map@100": 0.0},
    }


def begin_study(sweeps: Path, kind: str = "sweep", name: str = NAME) -> StudyPaths:
    study = StudyPaths(sweeps / name)
    task = TaskData("übung", "/daten/übung", (), {}, {"train": "aa", "validation": "bb"})
    search = Search(space={RATE: "interval(0, 1)"}) if kind == "sweep" else None
    save_definition(study, replace(define_study(Config(), task, Objective("cosine_map@100", 64), search), name=name))
    return study


def begin_trial(study: StudyPaths, number: int, **params: object) -> TrialRecord:
    """Only the header, as a trial has that was killed before its first evaluation."""
    record = TrialRecord(study.name, number, State.RUNNING, params=params, started=1_760_000_000_000)
    archive.write_header(study.trial(number), record, {"train": {"batch_size": 20}})
    return record


def end_trial(study: StudyPaths, record: TrialRecord, state: State, values: list[float], reason: str = "") -> None:
    """Evaluations at steps 10, 20, ... and the result."""
    trial = study.trial(record.number)
    for index, value in enumerate(values):
        archive.append_evaluation(
            trial, Evaluation(10 * (index + 1), index + 1.0, value, metrics_at(value), 1.0, index)
        )
    ended = replace(record, state=state, reason=reason or None, seconds=12.5)
    if values:
        best = int(np.argmax(values))
        ended = replace(
            ended,
            value=values[best],
            best_step=10 * (best + 1),
            best_epoch=best + 1.0,
            metrics=metrics_at(values[best]),
        )
        means = {64: {"cosine_map@100": np.array([values[best] - 0.1, values[best] + 0.1])}}
        write_scores(RetrievalScores(("fräge-1", "q2"), means), trial.scores)
    archive.write_result(trial, ended)


@pytest.fixture
def sweeps(tmp_path: Path) -> Path:
    return tmp_path / "sweeps mit ü"


@pytest.fixture
def study(sweeps: Path) -> StudyPaths:
    """Every end a trial can come to, and one that was killed."""
    study = begin_study(sweeps)
    end_trial(study, TrialRecord(NAME, -1, State.RUNNING), State.COMPLETE, [0.3])
    default = {RATE: 5e-5, BATCH: 20, SAMPLER: "plain"}
    end_trial(study, begin_trial(study, 0, **default), State.COMPLETE, [0.5, 0.7, 0.6])
    end_trial(study, begin_trial(study, 1, **default | {BATCH: 32}), State.PRUNED, [0.7])
    end_trial(study, begin_trial(study, 2, **default | {RATE: 1e30}), State.FAIL, [], "NaN\u2028\U0001f525 in ‘loss’")
    begin_trial(study, 3, **default | {BATCH: 64})
    (study.checkpoint(0)).mkdir(parents=True)
    return study


def test_load_study_reads_every_trial(study: StudyPaths, sweeps: Path) -> None:
    loaded = embedtune.load_study(NAME, sweeps)
    assert (loaded.name, loaded.objective, loaded.definition.objective.dim) == (NAME, "cosine_map@100", 64)
    assert [trial.state for trial in loaded.trials] == [State.COMPLETE, State.PRUNED, State.FAIL, State.RUNNING]
    assert loaded.states == {State.COMPLETE: 1, State.PRUNED: 1, State.FAIL: 1, State.RUNNING: 1, State.WAITING: 0}
    assert loaded.baseline is not None
    assert loaded.baseline.value == 0.3
    assert loaded.best == loaded.trials[0], "of two equal trials the earlier is the best"
    assert loaded.trials[2].reason == "NaN\u2028\U0001f525 in ‘loss’"
    with pytest.raises(FrozenInstanceError):
        loaded.trials = ()  # type: ignore[misc]  # that it is refused is the test


def test_load_study_looks_in_the_working_directory(workdir: Path) -> None:
    begin_study(workdir / "sweeps")
    assert embedtune.load_study(NAME).paths.root == workdir / "sweeps" / NAME


def test_study_record_opens_what_a_trial_left(study: StudyPaths, sweeps: Path) -> None:
    loaded = embedtune.load_study(NAME, sweeps)
    assert [evaluation.value for evaluation in loaded.evaluations(0)] == [0.5, 0.7, 0.6]
    assert [evaluation.step for evaluation in loaded.evaluations(-1)] == [10]
    assert loaded.evaluations(3) == ()
    scores = loaded.scores(0)
    assert scores.query_ids == ("fräge-1", "q2")
    assert scores.metrics["64"]["cosine_map@100"] == pytest.approx(0.7)
    assert loaded.checkpoint(0) == study.checkpoint(0)
    assert loaded.checkpoint(1) is None
    with pytest.raises(DataError, match=r"scores\.parquet must be per-query scores"):
        loaded.scores(3)


def test_to_dataframe_has_one_row_a_trial(study: StudyPaths, sweeps: Path) -> None:
    frame = embedtune.load_study(NAME, sweeps).to_dataframe()
    assert list(frame.columns) == [
        *("number", "state", "value", "best_step", "best_epoch"),
        *(f"params.{key}" for key in (RATE, BATCH, SAMPLER)),
        *("64/cosine_map@100", "64/dot_map@100", "16/cosine_map@100", "16/dot_map@100"),
        *("seconds", "run_id", "checkpoint", "reason"),
    ]
    assert frame["number"].tolist() == [0, 1, 2, 3]
    assert frame["state"].tolist() == ["complete", "pruned", "fail", "running"]
    assert frame["16/cosine_map@100"].tolist()[:2] == [0.35, 0.35]
    assert frame["best_step"].tolist() == [20, 10, pd.NA, pd.NA]
    assert math.isnan(frame["value"][3])
    assert frame["checkpoint"].tolist() == [str(study.checkpoint(0)), None, None, None]
    assert frame["reason"][2] == "NaN\u2028\U0001f525 in ‘loss’"
    assert frame.sort_values("value", ascending=False)["number"].tolist()[:2] == [0, 1]


def test_to_dataframe_keeps_the_types_of_params_beside_the_baseline(study: StudyPaths, sweeps: Path) -> None:
    frame = embedtune.load_study(NAME, sweeps).to_dataframe(baseline=True)
    assert frame["number"].tolist() == [-1, 0, 1, 2, 3]
    assert frame["value"][0] == 0.3
    assert frame[f"params.{BATCH}"].tolist() == [pd.NA, 20, 32, 20, 64]
    assert frame[f"params.{RATE}"].dtype == np.float64
    assert frame["64/cosine_map@100"].dtype == np.float64
    assert frame.drop(index=0).reset_index(drop=True)["value"].tolist()[:2] == [0.7, 0.7]


def test_study_without_trials(sweeps: Path) -> None:
    begin_study(sweeps)
    loaded = embedtune.load_study(NAME, sweeps)
    assert (loaded.trials, loaded.best, loaded.baseline) == ((), None, None)
    assert set(loaded.states.values()) == {0}
    frame = loaded.to_dataframe(baseline=True)
    assert len(frame) == 0
    assert frame["value"].dtype == np.float64
    assert frame["number"].dtype == np.int64


def test_study_whose_trials_all_failed_has_no_best(sweeps: Path) -> None:
    study = begin_study(sweeps, kind="single")
    end_trial(study, begin_trial(study, 0), State.FAIL, [0.9], "interrupted")
    loaded = embedtune.load_study(NAME, sweeps)
    assert loaded.best is None
    assert loaded.to_dataframe()["value"].tolist() == [0.9]


def test_trials_that_a_retry_stands_in_for_are_left_out(sweeps: Path) -> None:
    study = begin_study(sweeps)
    opened = open_study(study)
    opened.optuna.ask()
    begin_trial(study, 0)
    requeue(opened, 0)
    opened.optuna.ask()
    begin_trial(study, 1)
    loaded = embedtune.load_study(NAME, sweeps)
    assert [trial.number for trial in loaded.trials] == [1]
    assert {state: count for state, count in loaded.states.items() if count} == {State.RUNNING: 1}
    with pytest.raises(ConfigError, match=rf"number must be a trial of study {NAME}, but got 0\. There are: 1\."):
        loaded.evaluations(0)


def test_load_study_names_the_studies_there_are(sweeps: Path) -> None:
    with pytest.raises(ConfigError, match=r"study\.name must name a study, but got x\. In .*ü: none yet\."):
        embedtune.load_study("x", sweeps)
    begin_study(sweeps)
    begin_study(sweeps, name="other")
    with pytest.raises(ConfigError, match=rf"but got x\. In .*: other, {NAME}\."):
        embedtune.load_study("x", str(sweeps))


def test_embedtune_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="module 'embedtune' has no attribute 'train_everything'"):
        embedtune.train_everything  # noqa: B018  # asking for it is the test


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import embedtune", "pandas optuna torch mlflow numpy"),
        ("import embedtune; embedtune.load_study", "torch transformers mlflow"),
    ],
)
def test_import_is_light(code: str, absent: str) -> None:
    program = f"import sys; {code}; sys.exit(','.join(name for name in {absent.split()} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.strip() == ""
