"""Folders of trials and studies as a run leaves them, with made-up scores, and a store to deliver them to."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import yaml

from embedtune.config import TrackingConfig
from embedtune.config.rules.evaluation import OBJECTIVES
from embedtune.paths import StudyPaths, TrialPaths, Workspace, append_json_line, write_json
from embedtune.records import Evaluation, Interruption, State, TrialRecord
from embedtune.tracking import Store, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

BEGAN = 1_760_000_000_000
DIMS = (384, 256, 128, 64, 32)
STEPS_PER_EPOCH = 24


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


DIGESTS = {split: digest(split) for split in ("train", "validation", "test")}


@dataclass(frozen=True)
class TrialSpec:
    """What a made-up trial looks like; ``made`` of ``epochs`` evaluations are there."""

    number: int = 0
    state: State = State.COMPLETE
    learning_rate: float = 5e-5
    batch_size: int = 20
    epochs: int = 4
    made: int | None = None
    reason: str | None = None
    interrupted: Interruption | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def params(self) -> dict[str, Any]:
        if self.number < 0:
            return {}
        return {"train.learning_rate": self.learning_rate, "train.batch_size": self.batch_size}


def metrics_at(quality: float, dims: tuple[int, ...] = DIMS) -> dict[str, dict[str, float]]:
    """All metrics at all dimensions, around ``quality`` at the largest, less below."""
    values = {}
    for rank, dim in enumerate(dims):
        level = quality - 0.012 * rank**1.6
        noise = random.Random(f"{quality}{dim}")
        values[str(dim)] = {name: min(1.0, max(0.0, level + noise.uniform(-0.03, 0.06))) for name in OBJECTIVES}
        values[str(dim)]["cosine_map@100"] = level
    return values


def evaluations_of(spec: TrialSpec) -> list[Evaluation]:
    if spec.number < 0:
        metrics = metrics_at(0.60023456)
        return [Evaluation(0, 0.0, metrics["384"]["cosine_map@100"], metrics, 3.0, BEGAN + 3000)]
    peak = 0.80 - 0.08 * abs(math.log10(spec.learning_rate / 6e-5)) - 0.0004 * abs(spec.batch_size - 24)
    found = []
    for epoch in range(1, (spec.epochs if spec.made is None else spec.made) + 1):
        quality = 0.60 + (peak - 0.60) * (1 - math.exp(-epoch)) - 0.004 * max(0, epoch - 3)
        metrics = metrics_at(quality)
        found.append(
            Evaluation(
                step=epoch * STEPS_PER_EPOCH,
                epoch=float(epoch),
                value=metrics["384"]["cosine_map@100"],
                metrics=metrics,
                seconds=40.0 * epoch,
                timestamp=began(spec) + 40_000 * epoch,
                loss=2.5 * math.exp(-epoch * peak),
                learning_rate=spec.learning_rate * (1 - epoch / (spec.epochs + 1)),
            )
        )
    return found


def began(spec: TrialSpec) -> int:
    return BEGAN + 10_000 + 200_000 * max(0, spec.number)


def make_trial(study: StudyPaths, spec: TrialSpec) -> TrialRecord:
    """Write the folder of a trial, as much of it as its state says."""
    trial, evaluations = study.trial(spec.number), evaluations_of(spec)
    record = TrialRecord(
        study=study.name,
        number=spec.number,
        state=State.RUNNING,
        params=spec.params,
        started=BEGAN if spec.number < 0 else began(spec),
        facts={
            "data": "rights",
            "digests": DIGESTS,
            "base_model": "minilm",
            "objective": "cosine_map@100",
            "dim": 384,
            "device": "cpu",
            "precision": "fp32",
            "git_revision": "0123456789abcdef0123456789abcdef01234567-dirty",
            "versions": {"embedtune": "0.1.0", "torch": "2.9.1"},
            **spec.facts,
        },
    )
    write_json(trial.header, record.to_dict())
    trial.config.write_text(yaml.safe_dump(config_of(spec), allow_unicode=True), encoding="utf-8")
    trial.metrics.unlink(missing_ok=True)
    for evaluation in evaluations:
        append_json_line(trial.metrics, asdict(evaluation))
    return end_trial(trial, record, spec, evaluations) if spec.state is not State.RUNNING else record


def end_trial(trial: TrialPaths, record: TrialRecord, spec: TrialSpec, evaluations: list[Evaluation]) -> TrialRecord:
    best = max(evaluations, key=lambda evaluation: evaluation.value, default=None)
    ended = replace(
        record,
        state=spec.state,
        reason=spec.reason,
        interrupted=spec.interrupted,
        value=best.value if best else None,
        best_step=best.step if best else None,
        best_epoch=best.epoch if best else None,
        metrics=best.metrics if best else {},
        seconds=evaluations[-1].seconds + 2.5 if evaluations else 1.5,
        facts={**record.facts, **cost_of(evaluations)},
    )
    ids = [f"q{i}" for i in range(3)]
    pd.DataFrame({"query": ids, "cosine_map@100": np.linspace(0.1, 0.9, 3)}).to_parquet(trial.scores)
    write_json(trial.training, {"losses": ["MatryoshkaLoss", "MultipleNegativesRankingLoss"], "precision": "fp32"})
    trial.log.write_text("begin\nread hf://datasets/x and https://anna:geheim@example.org/data\n", encoding="utf-8")
    write_json(trial.result, ended.to_dict())
    return ended


def cost_of(evaluations: list[Evaluation]) -> dict[str, Any]:
    steps, seconds = (evaluations[-1].step, evaluations[-1].seconds + 2.5) if evaluations else (0, 1.5)
    return {"steps": steps, "tokens": 2600 * steps, "device_seconds": seconds, "peak_memory_bytes": 1_234_567_890}


def make_weights(study: StudyPaths, number: int, size: int = 1000) -> Path:
    """The kept checkpoint of a trial, as its worker leaves it among the best."""
    folder = study.checkpoint(number)
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes([number]) * size)
    (folder / "modules.json").write_text("[]", encoding="utf-8")
    (folder / "1_Pooling" / "config.json").write_text("{}", encoding="utf-8")
    return folder


def config_of(spec: TrialSpec) -> dict[str, Any]:
    return {
        "model": {"name": "minilm", "revision": None, "trust_remote_code": False},
        "data": {"name": "rights", "source": "files", "path": "/daten/Übung №1", "columns": {}},
        "train": {"batch_size": spec.batch_size, "epochs": spec.epochs, "learning_rate": spec.learning_rate},
        "loss": {"name": "mnrl", "matryoshka": {"dims": list(DIMS), "weights": {"128": 0.5}}},
        "eval": {"objective": "cosine_map@100", "dim": None, "split": "validation"},
        **spec.config,
    }


def make_study(study: StudyPaths, specs: list[TrialSpec], n_trials: int | None = None) -> list[TrialRecord]:
    """Write a study: its definition, the baseline and the trials."""
    study.root.mkdir(parents=True, exist_ok=True)
    definition = {
        "name": study.name,
        "kind": "sweep",
        "objective": "cosine_map@100",
        "direction": "maximize",
        "dim": 384,
        "n_trials": len(specs) if n_trials is None else n_trials,
        "space": {
            "train.learning_rate": "tag(log, interval(1e-5, 3e-4))",
            "train.batch_size": "choice(16, 20, 32)",
        },
        "sampler": {"_target_": "optuna.samplers.TPESampler", "seed": 42},
        "pruner": {"_target_": "optuna.pruners.MedianPruner"},
        "data": {"name": "rights", "source": "/daten/Übung №1"},
        "digests": DIGESTS,
        "model": {"name": "minilm", "revision": None},
        "code_version": "0.1.0",
    }
    study.definition.write_text(yaml.safe_dump(definition, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return [make_trial(study, spec) for spec in (TrialSpec(-1), *specs)]


SPECS = [
    TrialSpec(0),
    TrialSpec(1, learning_rate=2.1e-4, batch_size=32),
    TrialSpec(2, State.PRUNED, learning_rate=1.1e-5, batch_size=16, made=2, reason="pruned after evaluation 2"),
    TrialSpec(3, learning_rate=7e-5, batch_size=20, epochs=5),
    TrialSpec(4, State.FAIL, learning_rate=9e-5, made=1, reason="RuntimeError: out of memory"),
    TrialSpec(5, State.FAIL, learning_rate=8e-5, made=1, reason="interrupted", interrupted=Interruption.STOPPED),
]
"""A study with every state there is."""


@dataclass(frozen=True)
class Made:
    """The functions above, for tests: with importlib's import mode they cannot import this file."""

    trial: Callable[[StudyPaths, TrialSpec], TrialRecord] = make_trial
    study: Callable[..., list[TrialRecord]] = make_study
    weights: Callable[..., Path] = make_weights
    Spec: type[TrialSpec] = TrialSpec
    specs: tuple[TrialSpec, ...] = tuple(SPECS)


@pytest.fixture(scope="session")
def made() -> Made:
    return Made()


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Folders below a path with a space and a non-ASCII letter."""
    root = tmp_path_factory.mktemp("wörk dir")
    return Workspace(root / "sweeps", root / "mlruns", root / "releases")


@pytest.fixture(scope="session")
def store(workspace: Workspace) -> Store:
    """One store for all tests here: making a database takes seconds."""
    return open_store(TrackingConfig(), workspace)


@pytest.fixture(scope="session")
def client(store: Store) -> MlflowClient:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store.uri)


@pytest.fixture
def study(workspace: Workspace, request: pytest.FixtureRequest) -> StudyPaths:
    """A study folder of its own for each test, named by the test."""
    return workspace.study(request.node.name.removeprefix("test_")[:60].replace("[", "-").replace("]", ""))
