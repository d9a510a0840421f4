"""What short studies on little data would release: the leaderboard's top, our selection, the default recipe.

    python benchmarks/selection.py --model minilm --data FOLDER                  # five study seeds of eight trials
    python benchmarks/selection.py --model minilm --data FOLDER --folder KEEP    # keep the studies, or go on with them

Each seed makes a study as `embedtune -m sweep=optuna` does, and a second one with `eval.distractors=train`. Of each it
takes the trial with the best validation score (naive) and the one that `embedtune release` would put forward
(selection), and scores both on the test split, paired with the default recipe's trial of the same study.
This reads the test split many times, which nobody should do with a study that counts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from embedtune import archive
from embedtune.cli.output import quiet_libraries
from embedtune.config import Config, ReleaseConfig
from embedtune.paths import StudyPaths
from embedtune.release.choice.candidates import Candidate
from embedtune.release.choice.case import TEST, Case, open_case
from embedtune.release.choice.gather import gather
from embedtune.release.choice.selection import select
from embedtune.statistics import mean_interval

Scores = NDArray[np.float64]
FORMS = {"plain": (), "distractors": ("eval.distractors=train",)}


@dataclass
class Outcome:
    """Test scores of each query, one row for each seed."""

    default: list[Scores] = field(default_factory=list)
    naive: list[Scores] = field(default_factory=list)
    selected: list[Scores] = field(default_factory=list)


def run_study(folder: Path, form: str, seed: int, options: argparse.Namespace) -> StudyPaths:
    """Run one study by the command, unless its folder is complete already.

    Raises:
        SystemExit: The command failed.
    """
    study = StudyPaths(folder / "sweeps" / f"{form}-{seed}")
    command = [
        sys.executable, "-m", "embedtune", "-m", "sweep=optuna", f"study.name={study.name}", f"train.seed={seed}",
        f"hydra.sweeper.sampler.seed={seed}", f"study.n_trials={options.trials}", f"study.keep={options.trials}",
        f"model.name={options.model}", "data=files", f"data.path={options.data.resolve()}", "tracking.enabled=false",
        *FORMS[form], *options.override,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{study.name}: exit status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return study


def test_scores(case: Case, candidate: Candidate) -> Scores:
    """The objective of each test query."""
    return case.values(case.measure(case.load(candidate.folder), TEST))


def judge(study: StudyPaths, outcome: Outcome) -> NDArray[np.intp]:
    """Add what this study would release to the outcome; returns the groups of the test queries."""
    definition = yaml.safe_load(study.definition.read_text(encoding="utf-8"))
    records = list(archive.read_records(study))
    with tempfile.TemporaryDirectory() as scratch:
        case = open_case(
            study,
            definition,
            records[0],
            Config(release=ReleaseConfig(candidates=len(records))),
            archive.read_recipe(study.trial(records[0].number)),
        )
        pool = gather(case, records, None, Path(scratch))
    trials = [candidate for candidate in pool.candidates if candidate.is_releasable]
    chosen = {
        "default": next(candidate for candidate in trials if candidate.is_default),
        "naive": max(trials, key=lambda candidate: candidate.value),
        "selected": select(pool.candidates, pool.groups, only_new=True).chosen,
    }
    scored = {name: test_scores(case, candidate) for name, candidate in chosen.items()}
    for name, scores in scored.items():
        getattr(outcome, name).append(scores)
    words = ", ".join(f"{n} {c.name} {c.value:.4f} -> {scored[n].mean():.4f}" for n, c in chosen.items())
    print(f"{study.name:15} validation -> test: {words}", flush=True)
    return case.groups(TEST)


def compare(label: str, rows: Sequence[Scores], default: Sequence[Scores], groups: NDArray[np.intp]) -> None:
    """The mean over seeds, and its difference from the default recipe with an interval over the test queries."""
    gains = np.mean(rows, axis=0) - np.mean(default, axis=0)
    interval = mean_interval(gains, groups)
    by_seed = ", ".join(f"{row.mean() - base.mean():+.4f}" for row, base in zip(rows, default, strict=True))
    print(
        f"{label:24} test {np.mean(rows):.4f}, against the default recipe {gains.mean():+.4f} "
        f"[{interval.low:+.4f}, {interval.high:+.4f}], by seed {by_seed}"
    )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="minilm", help="as model.name")
    parser.add_argument("--data", type=Path, required=True, help="as data.path; needs a test split")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--parallel", type=int, default=1, help="studies at the same time")
    parser.add_argument("--folder", type=Path, help="where the studies stay; complete ones are not run again")
    parser.add_argument("override", nargs="*", help="further overrides for all studies")
    options = parser.parse_args()
    quiet_libraries()
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // options.parallel)))
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        jobs = [(form, seed) for form in FORMS for seed in range(1, options.seeds + 1)]
        with ThreadPoolExecutor(options.parallel) as pool:
            studies = dict(zip(jobs, pool.map(lambda job: run_study(folder, *job, options), jobs), strict=True))
        outcomes = {form: Outcome() for form in FORMS}
        for (form, _), study in studies.items():
            groups = judge(study, outcomes[form])
    for form, outcome in outcomes.items():
        print(f"\n{form}: default recipe test {np.mean(outcome.default):.4f}")
        compare("top of the leaderboard", outcome.naive, outcome.default, groups)
        compare("selection", outcome.selected, outcome.default, groups)


if __name__ == "__main__":
    main()
