"""Full fine-tuning against LoRA: test scores, seconds, peak memory and the size of a checkpoint, over seeds.

    python benchmarks/adapters.py --data FOLDER                     # full, and r = 8, 16, 32 at two rates, three seeds
    python benchmarks/adapters.py --data FOLDER --folder KEEP       # keep the trials, or go on with them

Each form trains once a seed by the command, in a process of its own, on the same data and schedule; the checkpoint kept
(the best on validation) is scored on the test split by `embedtune evaluate`. Forms take turns, so that a busy machine
slows all of them alike. This reads the test split often, which nobody should do with a study that counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedtune.paths import StudyPaths

FORMS: Mapping[str, tuple[str, ...]] = {
    "full, 5e-5": (),
    **{
        f"LoRA r={r}, {rate}": (
            "train=lora", f"train.lora.r={r}", f"train.lora.alpha={2 * r}",
            f"train.learning_rate={rate}")
        for rate in ("2e-4", "1e-3")
        for r in (8, 16, 32)
    },
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """One trial: metric on test, seconds, peak memory in bytes, size of its weights in bytes, share trained."""

    score: float
    seconds: float
    memory: int
    size: int
    trained: float


def command(folder: Path, words: Sequence[str]) -> Any:
    """The JSON that a command prints.

    Raises:
        SystemExit: It failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "embedtune", *words, "format=json"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit status {done.returncode}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def run(folder: Path, form: str, seed: int, options: argparse.Namespace) -> Outcome:
    """Train one form with one seed, unless its folder is there, and score it on test."""
    name = f"{list(FORMS).index(form)}-{seed}"
    kept, result = StudyPaths(folder / "sweeps" / name), folder / f"{name}.json"
    data = ["data=files", f"data.path={options.data.resolve()}", f"model={options.model}", "tracking.enabled=false"]
    if not result.exists():
        words = [*data, f"study.name={name}", f"train.seed={seed}", f"train.epochs={options.epochs}", *FORMS[form]]
        command(folder, words)
        facts = json.loads(kept.trial(0).result.read_text(encoding="utf-8"))
        where = [f"run={kept.trial(0).root}", "eval.split=test", f"paths.sweeps={kept.root.parent}"]
        found = command(folder, ["evaluate", *where, "tracking.enabled=false"])
        largest = max(found["dims"], key=int)
        weights = sum(file.stat().st_size for file in kept.checkpoint(0).rglob("*.safetensors"))
        outcome = {"score": found["dims"][largest][options.metric], "result": facts, "size": weights}
        result.write_text(json.dumps(outcome), encoding="utf-8")
    known = json.loads(result.read_text(encoding="utf-8"))
    record, facts = known["result"], known["result"]["facts"]
    return Outcome(
        known["score"], record["seconds"], facts["peak_memory_bytes"], known["size"],
        facts.get("trained_parameters", facts["parameters"]) / facts["parameters"],
    )  # fmt: skip


def main() -> None:
    """Print a table, a row for each form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder with train, validation and test")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--metric", default="cosine_map@100")
    parser.add_argument("--folder", type=Path, help="where trials are kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        os.makedirs(folder, exist_ok=True)
        found: dict[str, list[Outcome]] = {form: [] for form in FORMS}
        for seed in range(options.seeds):
            for form in FORMS:
                found[form].append(run(folder, form, seed, options))
                print(f"{form}, seed {seed}: {found[form][-1]}", file=sys.stderr, flush=True)
    print(f"| | trained | test {options.metric} | each seed | seconds | peak memory | checkpoint |")
    print("|---|---|---|---|---|---|---|")
    for form, outcomes in found.items():
        scores = [outcome.score for outcome in outcomes]
        first = outcomes[0]
        print(
            f"| {form} | {first.trained:.1%} | {statistics.mean(scores):.4f} | "
            f"{', '.join(f'{score:.4f}' for score in scores)} | "
            f"{statistics.median(outcome.seconds for outcome in outcomes):.0f} | "
            f"{max(outcome.memory for outcome in outcomes) / 1e9:.2f} GB | {first.size / 1e6:.1f} MB |"
        )


if __name__ == "__main__":
    main()
