"""What the engine costs and how well it keeps workers busy, with empty and with sleeping trials.

uv run python benchmarks/engine.py overhead [--trials 1000] [--workers 4] [--sampler tpe|random|both]
uv run python benchmarks/engine.py slots [--trials 128] [--workers 4] [--unit 1]

The workers are the package's own: they claim, sample, compare with what was tried, report five values to the pruner,
tell Optuna and judge whose weights stay. A trial only writes its folder, and sleeps.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, cast

import numpy as np
import optuna

from embedtune import archive
from embedtune.config import Config, objective_of
from embedtune.config.rules.evaluation import OBJECTIVES
from embedtune.paths import StudyPaths, TrialPaths
from embedtune.records import State, TrialRecord
from embedtune.study import open_study
from embedtune.sweep.ask import Asking
from embedtune.sweep.delivery import Delivery
from embedtune.sweep.space.rules import Rules
from embedtune.sweep.space.space import build_space
from embedtune.sweep.workers.stopping import Stop
from embedtune.sweep.workers.worker import Worker
from embedtune.trial.bench import Bench, Benches
from embedtune.trial.watching import Hooks, Silent

SPACE = {
    "train.batch_size": "choice(16, 20, 32, 64)",
    "train.epochs": "choice(1, 2, 3, 5)",
    "train.learning_rate": "tag(log, interval(1e-5, 3e-4))",
    "train.warmup_ratio": "choice(0.0, 0.1, 0.2)",
    "train.batch_sampler": "choice(plain, no_duplicates)",
    "loss.matryoshka.weights.each": "interval(0.2, 1.0)",
}
DIMS = (384, 256, 128, 64, 32)
METRICS = {str(dim): dict.fromkeys(OBJECTIVES, 0.5) for dim in DIMS}
REPORTS = 5


@dataclass(frozen=True, order=True)
class Spent:
    """Seconds of one trial.

    Attributes:
        ended: When, on the machine's clock.
        engine: Of all but the trial itself.
        files: Of writing its folder.
        slept: Of its task.
    """

    ended: float
    engine: float
    files: float
    slept: float


@dataclass
class Task:
    """A trial without a training: it writes and reports what one does, and sleeps.

    Attributes:
        duration: Of a trial, by its number.
        began: When the worker asked for the trial that runs.
        spent: By those that ran.
    """

    duration: Callable[[int], float]
    began: float = field(default_factory=time.perf_counter)
    spent: list[Spent] = field(default_factory=list)
    _files: float = 0.0
    _slept: float = 0.0

    def __call__(
        self, config: Config, bench: Bench, trial: TrialPaths, record: TrialRecord, hooks: Hooks, **_: Any
    ) -> TrialRecord:
        """Like :func:`embedtune.trial.run.run_trial`."""
        value = float(record.params["train.learning_rate"])
        ended = replace(record, state=State.COMPLETE, value=value, metrics=METRICS, best_step=REPORTS)
        self._slept = seconds_of(lambda: time.sleep(self.duration(record.number)))
        self._files = seconds_of(lambda: archive.write_header(trial, record, {}))
        for ordinal in range(1, REPORTS + 1):
            hooks.reporter.evaluated(ordinal, value, np.array([value]))
        self._files += seconds_of(lambda: archive.write_result(trial, ended))
        return ended

    def ended(self) -> None:
        """The trial has ended and the worker is about to ask for the next."""
        now = time.perf_counter()
        engine = now - self.began - self._files - self._slept
        self.spent.append(Spent(time.monotonic(), engine, self._files, self._slept))
        self.began = now


def seconds_of(action: Callable[[], None]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def run_trials(root: Path, n_trials: int, seed: int, sampler: str, duration: Callable[[int], float]) -> list[Spent]:
    """Run trials as a worker process does, until none is left."""
    samplers = {
        "tpe": optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=5),
        "random": optuna.samplers.RandomSampler(seed),
    }
    study = open_study(StudyPaths(root), None, samplers[sampler], optuna.pruners.NopPruner())
    config, rules = Config(), Rules(build_space((), SPACE, DIMS))
    benches = Benches(config, cast(Any, Bench)(None, None, max(DIMS), objective_of(config, max(DIMS))))
    task = Task(duration)
    asking = Asking(study, rules, n_trials, Random(seed))
    delivery = Delivery(study.paths, None)
    Worker(study, asking, lambda _: config, benches, delivery, Silent(), keep=3, stop=Stop(), run=task).loop(task.ended)
    return task.spent


def parallel(workers: int, n_trials: int, sampler: str, duration: Callable[[int], float]) -> tuple[list[Spent], float]:
    """The trials of all workers, in the order in which they ended, and the wall time."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "study"
        open_study(StudyPaths(root))
        context = multiprocessing.get_context("fork")
        results: multiprocessing.SimpleQueue[list[Spent]] = context.SimpleQueue()
        processes = [
            context.Process(target=lambda s=seed: results.put(run_trials(root, n_trials, s, sampler, duration)))
            for seed in range(workers)
        ]
        started = time.perf_counter()
        for process in processes:
            process.start()
        spent = sorted(own for _ in processes for own in results.get())
        wall = time.perf_counter() - started
        for process in processes:
            process.join()
        records = list(archive.read_records(StudyPaths(root)))
    assert len(spent) == n_trials, "every trial runs exactly once"
    assert sum(record.state == State.COMPLETE for record in records) == n_trials, "and leaves its record"
    return spent, wall


def overhead(workers: int, n_trials: int, sampler: str) -> None:
    """Milliseconds of an empty trial: of the engine, from one ask to the next, and of the trial's files."""
    spent, wall = parallel(workers, n_trials, sampler, lambda _: 0.0)
    print(f"{sampler}: {n_trials} empty trials, {workers} workers, {wall:.1f} s")
    tenth = max(1, n_trials // 10)
    for name, seconds in (("engine", [own.engine for own in spent]), ("files", [own.files for own in spent])):
        milliseconds = [1e3 * own for own in seconds]
        first, last = statistics.median(milliseconds[tenth : 2 * tenth]), statistics.median(milliseconds[-tenth:])
        print(
            f"  {name}: median {statistics.median(milliseconds):.1f} ms, "
            f"p95 {sorted(milliseconds)[int(0.95 * n_trials)]:.1f} ms; "
            f"second tenth {first:.1f} ms, last {last:.1f} ms, ratio {last / first:.2f}"
        )


def slots(workers: int, n_trials: int, unit: float) -> None:
    """Busy time over workers x wall when trials last 1 or 4 units, beside batches that wait for their slowest."""

    def duration(number: int) -> float:
        return unit * (4 if number % workers == 0 else 1)

    spent, wall = parallel(workers, n_trials, "tpe", duration)
    busy = sum(own.slept for own in spent)
    rounds = [range(start, min(start + workers, n_trials)) for start in range(0, n_trials, workers)]
    batches = sum(max(map(duration, numbers)) for numbers in rounds)
    print(f"{n_trials} trials of {unit} or {4 * unit} s, {workers} workers")
    print(f"workers that claim: {wall:.1f} s, slot use {busy / (workers * wall):.3f}")
    print(f"batches, at best:   {batches:.1f} s, slot use {busy / (workers * batches):.3f}")
    print(f"ratio {batches / wall:.2f}")


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["overhead", "slots"])
    parser.add_argument("--trials", type=int, default=None)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--unit", type=float, default=1.0)
    parser.add_argument("--sampler", choices=["tpe", "random", "both"], default="both")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if options.what == "overhead":
        for sampler in ["random", "tpe"] if options.sampler == "both" else [options.sampler]:
            overhead(options.workers, options.trials or 1000, sampler)
    else:
        slots(options.workers, options.trials or 128, options.unit)


if __name__ == "__main__":
    main()
