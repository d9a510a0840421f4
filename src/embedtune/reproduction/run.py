"""Run a recorded trial again, as it was configured, and compare what came out."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from embedtune import archive
from embedtune.config import Config
from embedtune.data.digest import require_same
from embedtune.errors import ConfigError, TrialError
from embedtune.machine.folders import regular_files
from embedtune.paths import StudyPaths, TrialPaths
from embedtune.records import CORPUS_DIGEST, State, TrialRecord
from embedtune.reproduction.comparison import Comparison, compare_facts, compare_models, compare_scores
from embedtune.training import processor_threads, set_processor_threads
from embedtune.trial.bench import prepare
from embedtune.trial.corpus import judged_bench
from embedtune.trial.run import run_trial
from embedtune.trial.watching import Hooks, NoReporter, Point, Watcher

logger = logging.getLogger(__name__)


def reproduce(
    study: StudyPaths, number: int, recipe: Config, watcher: Watcher, *, same_data: bool = False
) -> tuple[TrialPaths, Comparison]:
    """Run a trial again in ``reproductions/`` of its study, where it counts in no budget, and compare.

    A pruned trial is stopped where it was pruned. On a CPU, as many threads add up as did then. The weights are
    compared where the trial kept them, then removed.

    Args:
        study: Its files.
        number: Of the trial.
        recipe: Its recorded configuration.
        watcher: Shown progress.
        same_data: Refuse data that differs from the recorded, instead of saying so afterwards.

    Returns:
        The folder of the new run, and how it compares.

    Raises:
        ConfigError: The trial did not end with a score.
        UserError: Data or model cannot be read any more.
        TrialError: The trial fails now.
    """
    recorded = archive.read_record(study, number)
    if recorded is None or recorded.state not in (State.COMPLETE, State.PRUNED) or not recorded.metrics:
        state = recorded.state.value if recorded else "missing"
        raise ConfigError(f"run must be a trial that was evaluated to its end, but got one that is {state}.")
    bench = prepare(recipe)
    if same_data:
        require_same(recorded.facts.get("digests", {}), bench.task.digests)
    bench = judged_bench(recipe, bench, study, recorded.facts.get(CORPUS_DIGEST))
    trial = _claim(study, number)
    evaluations = archive.read_evaluations(study.trial(number))
    last = len(evaluations) if recorded.state is State.PRUNED else None
    hooks = Hooks(watcher, reporter=_StopAfter(last))
    start = TrialRecord(study.name, number, State.RUNNING, recorded.params, facts={"reproduces": recorded.name})
    try:
        with _threads(recorded.facts.get("threads")):
            again = run_trial(recipe, bench, trial, start, hooks)
        weights = _compare_weights(recorded.checkpoint, trial)
    finally:
        shutil.rmtree(trial.checkpoint, ignore_errors=True)
    if again.state is not recorded.state:
        raise TrialError(
            f"trial {number} must end as {recorded.state.value}, but run again it is {again.state.value} "
            f"({again.reason}). See {trial.log}."
        )
    deviations, unmatched = compare_scores(evaluations, archive.read_evaluations(trial))
    found = [
        *compare_facts(_known(recorded), again),
        *compare_models(archive.read_facts(study.trial(number)), archive.read_facts(trial)),
    ]
    return trial, Comparison(tuple(found), deviations, unmatched, weights)


@dataclass(frozen=True)
class _StopAfter(NoReporter):
    """Ends a trial where it was pruned."""

    last: int | None

    def evaluated(self, point: Point, queries: NDArray[np.float64]) -> bool:
        return point.ordinal == self.last


def _claim(study: StudyPaths, number: int) -> TrialPaths:
    """The next folder; making it claims it against another process."""
    attempt = 1
    while True:
        trial = study.reproduction(number, attempt)
        try:
            trial.root.mkdir(parents=True)
        except FileExistsError:
            attempt += 1
            continue
        return trial


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = processor_threads()
    set_processor_threads(count or before)
    try:
        yield
    finally:
        set_processor_threads(before)


def _compare_weights(recorded: str | None, trial: TrialPaths) -> float | None:
    """The largest difference between two tensors of the same name; infinite if names or shapes differ."""
    if recorded is None or not trial.checkpoint.is_dir():
        return None
    try:
        regular_files(Path(recorded))
        return max_difference(Path(recorded), trial.checkpoint)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        logger.warning("The recorded weights in %s cannot be compared: %s", recorded, error)
        return None


def max_difference(first: Path, second: Path) -> float:
    """The largest difference between the weights of two model folders; infinite if they are not the same tensors."""
    names = [sorted(path.relative_to(folder) for path in folder.rglob("*.safetensors")) for folder in (first, second)]
    if names[0] != names[1]:
        return float("inf")
    return max((_file_difference(first / name, second / name) for name in names[0]), default=0.0)


def _file_difference(first: Path, second: Path) -> float:
    largest = 0.0
    with safe_open(first, "numpy") as one, safe_open(second, "numpy") as other:
        if set(one.keys()) != set(other.keys()):
            return float("inf")
        for name in one.keys():  # noqa: SIM118 - it is no mapping
            before, now = one.get_tensor(name), other.get_tensor(name)
            if before.shape != now.shape:
                return float("inf")
            if not np.array_equal(before, now, equal_nan=True):
                difference = float(np.max(np.abs(before.astype(np.float64) - now.astype(np.float64))))
                largest = max(largest, difference if difference == difference else float("inf"))
    return largest


def _known(recorded: TrialRecord) -> TrialRecord:
    """The record with its mini-batch only if memory ran out, as a fact of the new run is."""
    return replace(recorded, facts={"mini_batch_size": None, **recorded.facts})
