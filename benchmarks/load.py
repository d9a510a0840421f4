"""How much slower a training step becomes beside a busy process, by how threads wait for each other.

    uv run python benchmarks/load.py [--data PATH] [--model NAME] [--steps N] [--rounds N] [--spins N,N,...]

Each setting trains in a process of its own, alone and beside a neighbour that keeps one core busy, in turns. The
neighbour's CPU time is read before and after, so that a figure counts only when it was really there. Printed are the
median seconds a step and how many times as long it is as the default setting alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY = "while True: pass"
SPIN = "GOMP_SPINCOUNT"
HERE = Path(__file__).resolve()


def train(options: argparse.Namespace) -> None:
    """In a process of its own: print the seconds of each step as JSON."""
    sys.path.insert(0, str(HERE.parent))
    import step
    from transformers.utils import logging

    from embedtune.config import Config, ModelConfig

    logging.disable_progress_bar()
    config = Config(model=ModelConfig(name=options.model))
    config.train.epochs = 1
    rows = step.read_rows(options.data, options.steps * config.train.batch_size)
    sys.stdout.write(json.dumps(step.ours(config, rows, check=False).seconds))


@contextmanager
def neighbour(wanted: bool) -> Iterator[None]:
    """A process that keeps one core busy, and proof of it."""
    if not wanted:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        before = cpu_seconds(process.pid)
        yield
        assert process.poll() is None, "the neighbour died"
        assert cpu_seconds(process.pid) > before + 1, "the neighbour was not busy"
    finally:
        process.kill()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """CPU time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(setting: dict[str, str], options: argparse.Namespace) -> list[float]:
    """Seconds of each step of one training process."""
    words = [sys.executable, str(HERE), "--train", "--model", options.model, "--steps", str(options.steps)]
    words += ["--data", str(options.data)] if options.data else []
    ran = subprocess.run(
        words, env={**os.environ, **setting}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    return list(json.loads(ran.stdout))


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--model", default="minilm", help="as model.name")
    parser.add_argument("--data", type=Path, help="one-object JSON with queries, relevant and corpus; else pydocs")
    parser.add_argument("--steps", type=int, default=12, help="steps of a process")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--spins", default="100,1000,10000,100000", help=f"values of {SPIN} to try")
    options = parser.parse_args()
    if options.train:
        train(options)
        return
    settings: dict[str, dict[str, str]] = {"default": {}}
    settings |= {f"{SPIN}={spin}": {SPIN: spin} for spin in options.spins.split(",")}
    settings |= {"OMP_WAIT_POLICY=passive": {"OMP_WAIT_POLICY": "passive"}, "one thread": {"OMP_NUM_THREADS": "1"}}
    seconds: dict[tuple[str, bool], list[float]] = {}
    for _ in range(options.rounds):
        for name, setting in settings.items():
            for beside in (False, True):
                with neighbour(beside):
                    seconds.setdefault((name, beside), []).extend(measured(setting, options))
    base = statistics.median(seconds["default", False])
    for (name, beside), values in seconds.items():
        median = statistics.median(values)
        where = "beside a busy process" if beside else "alone"
        print(f"{name:28} {where:22} {median:6.3f} s/step, worst {max(values):6.2f}  {median / base:5.2f} x")


if __name__ == "__main__":
    main()
