"""What only a CUDA device can show: a worker for each GPU, two trials at once on one, and a real lack of memory.

    python benchmarks/gpu.py --model minilm --data FOLDER             # all checks
    python benchmarks/gpu.py --model minilm --data FOLDER --only oom  # one of them: auto, two, oom

Every check runs the real command in a process of its own and reads the trials' folders. The memory is taken by a
second process that holds it while the trial runs, so the device itself refuses the batch.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

_HOLD = """
import sys, torch
free, _ = torch.cuda.mem_get_info()
held = torch.empty(free - int(float(sys.argv[1]) * 2**30), dtype=torch.uint8, device="cuda")
print("held", flush=True)
sys.stdin.read()
"""


def run_study(folder: Path, name: str, overrides: Sequence[str]) -> tuple[float, list[dict[str, Any]]]:
    """Run a study by the command; its wall seconds, and the results of its trials by number.

    Raises:
        SystemExit: The command failed.
    """
    command = [sys.executable, "-m", "embedtune", "-m", "sweep=random", f"study.name={name}", *overrides]
    started = time.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    if done.returncode != 0:
        print(done.stdout[-3000:], done.stderr[-3000:])
        raise SystemExit(f"{name}: exit status {done.returncode}")
    results = sorted((folder / "sweeps" / name / "trials").glob("*/result.json"))
    return seconds, [json.loads(path.read_text(encoding="utf-8")) for path in results]


def overlap(results: Sequence[dict[str, Any]]) -> float:
    """Seconds in which at least two trials ran."""
    edges = sorted(
        edge
        for result in results
        for edge in ((result["started"] / 1e3, 1), (result["started"] / 1e3 + result["seconds"], -1))
    )
    total, running, last = 0.0, 0, 0.0
    for moment, change in edges:
        total += (moment - last) if running > 1 else 0.0
        running, last = running + change, moment
    return total


def check_auto(folder: Path, common: Sequence[str]) -> None:
    """``study.workers=auto`` is one worker for each GPU in sight."""
    seconds, results = run_study(folder, "auto", [*common, "study.workers=auto", "study.n_trials=4"])
    workers = {result["facts"]["worker"] for result in results}
    devices = {result["facts"]["device"] for result in results}
    print(
        f"auto   {torch.cuda.device_count()} GPU, {len(workers)} worker, devices {', '.join(sorted(devices))}, "
        f"{len(results)} trials in {seconds:.1f} s, precision {results[0]['facts']['precision']}"
    )


def check_two(folder: Path, common: Sequence[str], trials: int) -> None:
    """The same trials by one worker and by two that share the GPU."""
    walls = {}
    for count in (1, 2):
        name = f"workers-{count}"
        seconds, results = run_study(folder, name, [*common, f"study.workers={count}", f"study.n_trials={trials}"])
        begin = min(result["started"] for result in results) / 1e3
        end = max(result["started"] / 1e3 + result["seconds"] for result in results)
        walls[count] = end - begin
        peak = max(result["facts"]["peak_memory_bytes"] for result in results) / 2**30
        busy = sum(result["seconds"] for result in results)
        states = sorted(result["state"] for result in results)
        print(
            f"two    {count} worker(s): {walls[count]:.1f} s from the first trial's start to the last one's end "
            f"({seconds:.1f} s with start-up), {busy:.1f} s of trials, {overlap(results):.1f} s with two at once, "
            f"peak {peak:.2f} GiB a trial, {states.count('complete')} of {len(states)} complete"
        )
    print(f"two    ratio {walls[1] / walls[2]:.2f}")


def check_oom(folder: Path, common: Sequence[str], leave: float, batch_size: int) -> None:
    """A batch that fits on the empty device, and the same one with only ``leave`` GiB free."""
    overrides = [
        *common, "study.n_trials=1", f"train.batch_size={batch_size}", "train.epochs=1", "eval.every=epoch",
    ]  # fmt: skip
    _, (whole,) = run_study(folder, "fits", overrides)
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(leave)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        _, (retried,) = run_study(folder, "oom", overrides)
    finally:
        holder.communicate("")
    for name, result in (("empty device", whole), (f"{leave} GiB left", retried)):
        facts = result["facts"]
        print(
            f"oom    {name}: {result['state']}, batch {batch_size}, mini-batch {facts['mini_batch_size'] or 'none'}, "
            f"peak {facts['peak_memory_bytes'] / 2**30:.2f} GiB, {result['seconds']:.1f} s, value {result['value']:.4f}"
        )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="minilm", help="as model.name")
    parser.add_argument("--data", type=Path, required=True, help="as data.path")
    parser.add_argument("--only", choices=("auto", "two", "oom"))
    parser.add_argument("--trials", type=int, default=8, help="of the check of two workers")
    parser.add_argument("--leave", type=float, default=3.0, help="GiB left free for the check of memory")
    parser.add_argument("--batch-size", type=int, default=600, help="of the check of memory")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("This benchmark needs a CUDA device.")
    print(f"device {torch.cuda.get_device_name()}, torch {torch.__version__}")
    common = [
        f"model.name={options.model}",
        "data=files",
        f"data.path={options.data.resolve()}",
        "tracking.enabled=false",
    ]
    with tempfile.TemporaryDirectory() as folder:
        checks = {
            "auto": lambda: check_auto(Path(folder), common),
            "two": lambda: check_two(Path(folder), common, options.trials),
            "oom": lambda: check_oom(Path(folder), common, options.leave, options.batch_size),
        }
        for name, check in checks.items():
            if options.only in (None, name):
                check()
                sys.stdout.flush()


if __name__ == "__main__":
    main()
