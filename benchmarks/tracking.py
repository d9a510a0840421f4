"""What the delivery of a trial to MLflow costs, beside the same trial that only writes its folder."""

from __future__ import annotations

import argparse
import logging
import os
import random
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import yaml

from embedtune import archive
from embedtune.config import Config, PathsConfig, TrackingConfig
from embedtune.config.rules.evaluation import OBJECTIVES
from embedtune.paths import StudyPaths, Workspace
from embedtune.records import Evaluation, State, TrialRecord
from embedtune.study.checkpoints import contenders, keep_best
from embedtune.sweep.delivery import Delivery

DIMS = (768, 512, 256, 128, 64)
EVALUATIONS = 5
KEEP = 3
WEIGHTS_BYTES = 90_000_000
TRIAL_SECONDS = 30
"""How long the trial of the printed ratio lasts."""


def main() -> None:
    """Print the milliseconds of a trial with and without tracking, and what they add to a trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=12)
    trials = parser.parse_args().trials
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as root:
        tracked, plain = measure(Path(root), trials)
    cost = statistics.median(tracked[1:]) - statistics.median(plain[1:])
    print(f"{trials} trials, {EVALUATIONS} evaluations x {len(DIMS)} dimensions x {len(OBJECTIVES)} metrics")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"folder only:   {describe(plain[1:])}")
    print(f"and delivered: {describe(tracked[1:])}")
    print(f"first trial, which imports mlflow and makes the database: {tracked[0]:.0f} ms")
    print(f"delivery of a trial: {cost:.0f} ms")
    print(f"RATIO of a trial of {TRIAL_SECONDS} s: {1 + cost / 1000 / TRIAL_SECONDS:.4f}")


def describe(times: list[float]) -> str:
    """Median and range."""
    return f"median {statistics.median(times):.0f} ms, {min(times):.0f} to {max(times):.0f}"


def measure(root: Path, trials: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each trial with and without tracking, in turns on the same disk."""
    took: dict[bool, list[float]] = {True: [], False: []}
    deliveries: dict[bool, Delivery] = {}
    for number in range(trials + 1):
        for enabled, times in took.items():
            study = open_study(root / str(enabled))
            make_weights(study, number)
            start = time.perf_counter()
            if number == 0:
                deliveries[enabled] = open_delivery(root / str(enabled), study, enabled)
            run_trial(study, deliveries[enabled], number)
            times.append(1000 * (time.perf_counter() - start))
    return took[True], took[False]


def open_study(root: Path) -> StudyPaths:
    """The study's folder with its definition."""
    study = Workspace(root / "sweeps", root / "mlruns", root / "releases").study("cost")
    study.root.mkdir(parents=True, exist_ok=True)
    study.definition.write_text(yaml.safe_dump({"name": "cost", "kind": "sweep", "n_trials": 1000}))
    return study


def open_delivery(root: Path, study: StudyPaths, enabled: bool) -> Delivery:
    """As a worker opens it."""
    config = Config(tracking=TrackingConfig(enabled=enabled), paths=PathsConfig(mlruns=str(root / "mlruns")))
    return Delivery.open(config, Workspace(root / "sweeps", root / "mlruns", root / "releases"), study)


def make_weights(study: StudyPaths, number: int) -> None:
    """A checkpoint without content: only its files count."""
    folder = study.trial(number).checkpoint
    folder.mkdir(parents=True)
    with (folder / "model.safetensors").open("wb") as file:
        file.truncate(WEIGHTS_BYTES)
    for name in ("config.json", "modules.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text("{}")


def run_trial(study: StudyPaths, delivery: Delivery, number: int) -> None:
    """All that a worker writes and delivers of one trial, without the training."""
    trial = study.trial(number)
    now = time.time_ns() // 1_000_000
    record = TrialRecord("cost", number, State.RUNNING, {"train.learning_rate": 5e-5}, started=now, facts={"dim": 768})
    archive.write_header(trial, record, {"train": {"learning_rate": 5e-5}, "eval": {"objective": "cosine_map@100"}})
    delivery.trial(trial)
    for step in range(1, EVALUATIONS + 1):
        evaluation = evaluate(number, step, now + step)
        archive.append_evaluation(trial, evaluation)
        delivery.trial(trial)
    ended = replace(
        record,
        state=State.COMPLETE,
        value=evaluation.value,
        best_step=EVALUATIONS,
        best_epoch=float(EVALUATIONS),
        metrics=evaluation.metrics,
        seconds=float(TRIAL_SECONDS),
    )
    archive.write_result(trial, ended)
    delivery.trial(trial)
    keep_best(study, KEEP, contenders(study, [number]))
    delivery.summary()


def evaluate(number: int, step: int, timestamp: int) -> Evaluation:
    """Made-up scores that rise within a trial and differ between trials."""
    level = 0.5 + 0.05 * step + random.Random(number).uniform(0, 0.2)
    metrics = {str(dim): {name: level - 0.01 * place for name in OBJECTIVES} for place, dim in enumerate(DIMS)}
    value = metrics[str(DIMS[0])]["cosine_map@100"]
    return Evaluation(step, float(step), value, metrics, float(step), timestamp, loss=1.0 / step, learning_rate=5e-5)


if __name__ == "__main__":
    main()
