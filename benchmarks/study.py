"""A whole study beside the stock stack: the same configurations, data and model, in processes of their own, in turns.

    uv run python benchmarks/study.py --data FOLDER                   # 12 configurations, one round
    uv run python benchmarks/study.py --data FOLDER --trials 4 --rounds 3

Stock is `benchmarks/stock_sweep.py`, embedtune is `python -m embedtune -m sweep=random pruner=none` with the same
configurations as `hydra.sweeper.enqueue`; the first is the default recipe. Times are of whole processes.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from embedtune.config.grammar import quote
from embedtune.models.load import packaged_minilm
from embedtune.paths import StudyPaths

HERE = Path(__file__).parent
DEFAULT = {
    "train.batch_size": 20, "train.epochs": 5, "train.learning_rate": 5e-5, "train.warmup_ratio": 0.0,
    "train.batch_sampler": "plain",
}  # fmt: skip
DIMS = (384, 256, 128, 64, 32)


def draw(count: int, seed: int) -> list[dict[str, Any]]:
    """The default recipe, then configurations of the space of ``sweep=optuna``."""
    drawn = random.Random(seed)
    found: list[dict[str, Any]] = [dict(DEFAULT)]
    while len(found) < count:
        found.append(
            {
                "train.batch_size": drawn.choice([16, 20, 32, 64]),
                "train.epochs": drawn.choice([1, 2, 3, 5]),
                "train.learning_rate": math.exp(drawn.uniform(math.log(1e-5), math.log(3e-4))),
                "train.warmup_ratio": drawn.choice([0.0, 0.1, 0.2]),
                "train.batch_sampler": drawn.choice(["plain", "no_duplicates"]),
                **{f"loss.matryoshka.weights.{dim}": drawn.uniform(0.2, 1.0) for dim in DIMS},
            }
        )
    return found


def run(words: list[str], folder: Path) -> tuple[float, str]:
    """Seconds of a process, and what it printed.

    Raises:
        SystemExit: It failed.
    """
    started = time.perf_counter()
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words[:4]}: exit status {done.returncode}\n{done.stderr[-3000:]}")
    return time.perf_counter() - started, done.stdout


def stock(folder: Path, configurations: list[dict[str, Any]], data: Path) -> tuple[float, list[float]]:
    """The stock study."""
    (folder / "configurations.json").write_text(json.dumps(configurations), encoding="utf-8")
    words = [str((HERE / "stock_sweep.py").resolve()), "--data", str(data), "--model", str(packaged_minilm())]
    seconds, out = run([*words, "--configurations", "configurations.json", "--out", "stock"], folder)
    return seconds, [score for _, score in json.loads(out.strip().splitlines()[-1])["scores"]]


def ours(folder: Path, configurations: list[dict[str, Any]], data: Path) -> tuple[float, list[float]]:
    """The same study by embedtune."""
    words = ["-m", "embedtune", "-m", "sweep=random", "pruner=none", "data=files", f"data.path={quote(str(data))}"]
    words += [f"study.n_trials={len(configurations)}", "study.name=ours", "format=json"]
    seconds, out = run([*words, *_space(configurations[1:])], folder)
    trials = sorted(json.loads(out)["trials"], key=lambda trial: int(trial["number"]))
    assert StudyPaths(folder / "sweeps" / "ours").definition.exists()
    return seconds, [float(trial["value"]) for trial in trials]


def _space(configurations: list[dict[str, Any]]) -> list[str]:
    def written(value: Any) -> str:
        return quote(value) if isinstance(value, str) else str(value)

    starts = ["{" + ", ".join(f"{key}: {written(one[key])}" for key in one) + "}" for one in configurations]
    return [f"hydra.sweeper.enqueue=[{', '.join(starts)}]"] if starts else []


def main() -> None:
    """Run both in turns and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    configurations = draw(options.trials, options.seed)
    ratios = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            seconds, found = ours(folder, configurations, options.data.resolve())
            slow, expected = stock(folder, configurations, options.data.resolve())
        ratios.append(slow / seconds)
        best = f"best {max(found):.4f} and {max(expected):.4f}"
        print(f"embedtune {seconds:.0f} s, stock {slow:.0f} s, {best}, ratio {ratios[-1]:.2f}", flush=True)
        print("scores:", ", ".join(f"{own:.4f}/{other:.4f}" for own, other in zip(found, expected, strict=True)))
    print(f"RATIO {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
