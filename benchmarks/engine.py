"""What the engine costs and how well it keeps workers busy, with empty and with sleeping trials.

uv run python benchmarks/engine.py overhead [--trials 1000] [--workers 4]
uv run python benchmarks/engine.py slots [--trials 32] [--workers 4] [--unit 0.5]
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import optuna

from embedtune.paths import StudyPaths
from embedtune.processes import worker_identity
from embedtune.study import claim, open_study
from embedtune.sweep.space import build_space

SPACE = {
    "train.batch_size": "choice(16, 20, 32, 64)",
    "train.epochs": "choice(1, 2, 3, 5)",
    "train.learning_rate": "tag(log, interval(1e-5, 3e-4))",
    "train.warmup_ratio": "choice(0.0, 0.1, 0.2)",
    "loss.matryoshka.weights.each": "interval(0.2, 1.0)",
}
DIMS = (384, 256, 128, 64, 32)
REPORTS = 5

Times = list[tuple[int, float, float]]
"""Trial number, seconds of the engine, seconds of the task."""


def run_trials(root: Path, n_trials: int, seed: int, duration: Callable[[int], float]) -> Times:
    """Claim trials until none is left, as a worker does; the task is a sleep."""
    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
    study = open_study(StudyPaths(root), None, sampler, optuna.pruners.NopPruner())
    space = build_space((), SPACE, DIMS)
    times: Times = []
    while True:
        started = time.perf_counter()
        trial = claim(study, n_trials, worker_identity())
        if trial is None:
            return times
        params = space.suggest(trial)
        task = time.perf_counter()
        time.sleep(duration(trial.number))
        slept = time.perf_counter() - task
        for ordinal in range(1, REPORTS + 1):
            trial.report(float(params["train.learning_rate"]), ordinal)
            trial.should_prune()
        study.optuna.tell(trial.number, float(params["train.learning_rate"]))
        times.append((trial.number, time.perf_counter() - started - slept, slept))


def parallel(workers: int, n_trials: int, duration: Callable[[int], float]) -> tuple[Times, float]:
    """The trials of all workers, by number, and the wall time."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "study"
        open_study(StudyPaths(root))
        context = multiprocessing.get_context("fork")
        results: multiprocessing.SimpleQueue[Times] = context.SimpleQueue()
        processes = [
            context.Process(target=lambda s=seed: results.put(run_trials(root, n_trials, s, duration)))
            for seed in range(workers)
        ]
        started = time.perf_counter()
        for process in processes:
            process.start()
        times = sorted(time for _ in processes for time in results.get())
        wall = time.perf_counter() - started
        for process in processes:
            process.join()
    assert [number for number, *_ in times] == list(range(n_trials)), "every trial runs exactly once"
    return times, wall


def overhead(workers: int, n_trials: int) -> None:
    """Milliseconds from claim to tell of an empty trial."""
    times, wall = parallel(workers, n_trials, lambda _: 0.0)
    engine = [1e3 * seconds for _, seconds, _ in times]
    tenth = max(1, n_trials // 10)
    print(f"{n_trials} empty trials, {workers} workers, {wall:.1f} s")
    print(
        f"claim to tell: median {statistics.median(engine):.1f} ms, p95 {sorted(engine)[int(0.95 * n_trials)]:.1f} ms"
    )
    first, last = statistics.median(engine[tenth : 2 * tenth]), statistics.median(engine[-tenth:])
    print(f"median of the second tenth {first:.1f} ms, of the last {last:.1f} ms, ratio {last / first:.2f}")


def slots(workers: int, n_trials: int, unit: float) -> None:
    """Busy time over workers x wall when trials last 1 or 4 units, beside batches that wait for their slowest."""

    def duration(number: int) -> float:
        return unit * (4 if number % workers == 0 else 1)

    times, wall = parallel(workers, n_trials, duration)
    busy = sum(slept for *_, slept in times)
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
    parser.add_argument("--unit", type=float, default=0.5)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if options.what == "overhead":
        overhead(options.workers, options.trials or 1000)
    else:
        slots(options.workers, options.trials or 64, options.unit)


if __name__ == "__main__":
    main()
