"""Damaged study folders, read by every command that reads them: the others are shown, and what is damaged is named."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import damage
from attempt import Case, Outcome
from overrides import type_in

CASES = 100

TINY = ("model=tiny", "data=files", "data.path=task", "train.device=cpu", "train.precision=fp32", "train.epochs=1",
        "study.n_trials=3", "study.keep=2")  # fmt: skip
SWEEP = ("-m", "sweep=optuna", *TINY, "train.learning_rate=interval(1e-5,1e-3)", "hydra.sweeper.params=null")
COMMANDS = (
    ("studies",), ("leaderboard", "study.name=s"), ("leaderboard", "study.name=s", "format=json"),
    ("report", "study.name=s"), ("sync",), ("release", "study.name=s", "release.gate=false", "release.register=false"),
    ("evaluate", "run=sweeps/s/trials/0000"), ("reproduce", "run=sweeps/s/trials/0000"), (*SWEEP, "study.name=s"),
    ("evaluate", "model=tiny", "data=files", "data.path=task", "eval.split=test", "train.device=cpu"),
)  # fmt: skip


def cases(chance: random.Random, count: int, folder: Path) -> Iterator[Case]:
    """One study is run; copies of it lose one to three files to damage, and another study stays whole."""
    _make(folder)
    for number in range(count):
        seed = chance.randrange(2**32)
        yield Case(f"folder {number} (seed {seed})", lambda seed=seed: _all_commands(folder, random.Random(seed)))


def _make(folder: Path) -> None:
    write_task(folder / "task")
    for name in ("whole", "s"):
        outcome = type_in([*SWEEP, f"study.name={name}"], folder)
        assert outcome.kind == "answered", outcome
    shutil.move(folder / "sweeps" / "s", folder / "original")


def _all_commands(folder: Path, chance: random.Random) -> Outcome:
    study = damage.copy(folder / "original", folder / "sweeps" / "s")
    targets = chance.sample(damage.recorded_files(study), chance.choice((1, 1, 1, 2, 3)))
    done = []
    for target in targets:
        kind = chance.choice(damage.KINDS)
        with contextlib.suppress(ValueError):  # an empty file cannot be scrambled
            kind(target, chance)
        done.append(f"{kind.__name__} {target.relative_to(study)}")
    before = _outside(folder)
    for command in COMMANDS:
        outcome = type_in(list(command), folder)
        if outcome.fault:
            return Outcome(outcome.kind, True, f"{'; '.join(done)}: {' '.join(command)}\n{outcome.detail}")
        if command == ("studies",) and outcome.kind != "answered":
            return Outcome("hidden", True, f"{'; '.join(done)}: the whole study is not listed")
        if _outside(folder) != before:
            return Outcome("outside", True, f"{'; '.join(done)}: {' '.join(command)} wrote elsewhere")
    return Outcome("read")


def _outside(folder: Path) -> dict[str, int]:
    """What is beside the workspace's own folders, and the files that links lead to."""
    places = [
        Path("/etc/passwd"),
        *(path for path in folder.iterdir() if path.name not in ("sweeps", "mlruns", "releases")),
    ]
    return {str(path): os.stat(path).st_mtime_ns for path in places}


def write_task(folder: Path) -> None:
    """A small corpus with three splits."""
    folder.mkdir()
    subjects = ("harbour", "lantern", "orchard", "granite", "violin", "meadow", "compass", "kettle", "falcon", "ribbon")
    for split, prefix in (("training", ""), ("val", "tell me "), ("test", "say ")):
        document = {
            "questions": {f"q{i}": f"{prefix}who finds the {subject}" for i, subject in enumerate(subjects)},
            "relevant_contexts": {f"q{i}": [f"d{i}"] for i in range(len(subjects))},
            "corpus": {f"d{i}": f"{split}: The {subject} stands at {i}." for i, subject in enumerate(subjects)},
        }
        (folder / f"{split}.jsonl").write_text(json.dumps(document), encoding="utf-8")
