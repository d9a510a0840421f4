"""The only place that builds a path, and the one way to write a file that must not be lost."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
"""Windows has neither flag."""


@dataclass(frozen=True)
class TrialPaths:
    """Files of one trial, ``sweeps/<study>/trials/0007/``."""

    root: Path

    @property
    def config(self) -> Path:
        """The composed configuration."""
        return self.root / "config.yaml"

    @property
    def header(self) -> Path:
        """The record as it was when the trial began."""
        return self.root / "trial.json"

    @property
    def tracking(self) -> Path:
        """The MLflow run this trial was delivered to, and whether all of it was."""
        return self.root / "tracking.json"

    @property
    def metrics(self) -> Path:
        """One line per evaluation, flushed."""
        return self.root / "metrics.jsonl"

    @property
    def scores(self) -> Path:
        """Per-query scores of the best evaluation."""
        return self.root / "scores.parquet"

    @property
    def folds(self) -> Path:
        """Per-query scores of the training queries, each by a model that was not trained on it; with ``eval.folds``."""
        return self.root / "folds.parquet"

    @property
    def fold_parts(self) -> Path:
        """Results of finished folds, until the trial ends."""
        return self.root / "folds"

    @property
    def training(self) -> Path:
        """Training data and method, for the model card."""
        return self.root / "training.json"

    @property
    def result(self) -> Path:
        """The record of the finished trial; renamed into place, so it is whole or absent."""
        return self.root / "result.json"

    @property
    def log(self) -> Path:
        """Log lines of this trial, tracebacks included."""
        return self.root / "trial.log"

    @property
    def prepared(self) -> Path:
        """Rows made once for all trials of the study: a teacher's scores, mined negatives."""
        return self.root.parents[1] / "prepared"

    @property
    def checkpoint(self) -> Path:
        """Weights of the best step so far; moved away or deleted when the trial ends."""
        return self.root / "checkpoint"

    @property
    def resume(self) -> Path:
        """State from which a trial resumes after its process died; gone when the trial has ended."""
        return self.root / "resume"


@dataclass(frozen=True)
class StudyPaths:
    """Files of one study, ``sweeps/<study>/``."""

    root: Path

    @property
    def name(self) -> str:
        """The study's name."""
        return self.root.name

    @property
    def definition(self) -> Path:
        """Space, objective, budget, data digest and code version."""
        return self.root / "study.yaml"

    @property
    def storage(self) -> Path:
        """Optuna's journal."""
        return self.root / "optuna.journal"

    @property
    def checkpoints(self) -> Path:
        """Weights of the best trials, by trial number."""
        return self.root / "checkpoints"

    @property
    def prepared(self) -> Path:
        """What is made once for all trials: a teacher's scores, mined negatives, a drawn corpus."""
        return self.root / "prepared"

    @property
    def test_openings(self) -> Path:
        """One line for each time the test split was read to judge this study."""
        return self.root / "test_openings.jsonl"

    @property
    def decisions(self) -> Path:
        """Decisions of ``release``, one file each."""
        return self.root / "decisions"

    def delivery(self, release: str) -> Path:
        """Steps still to do for an exported release; gone when all are done."""
        return self.root / "deliveries" / f"{release}.json"

    def deliveries(self) -> list[Path]:
        """Every release with something left to do."""
        return sorted((self.root / "deliveries").glob("*.json"))

    @property
    def report(self) -> Path:
        """The study as one page."""
        return self.root / "report.html"

    @property
    def plots(self) -> Path:
        """The report's figures, as PNG files."""
        return self.root / "plots"

    @property
    def baseline(self) -> TrialPaths:
        """The untuned base model, recorded like a trial."""
        return TrialPaths(self.root / "baseline")

    def untuned(self, word: str) -> TrialPaths:
        """A base model that the study searches beside the default one, untuned, recorded like a trial."""
        return TrialPaths(self.root / "baselines" / word)

    def baselines(self) -> list[TrialPaths]:
        """The untuned base models there are, that of the default one first."""
        others = self.root / "baselines"
        words = sorted(path.name for path in others.iterdir() if path.is_dir()) if others.is_dir() else []
        return [self.baseline, *map(self.untuned, words)]

    def of(self, name: str) -> TrialPaths:
        """Files of a trial or an untuned model by the name of its record: ``0007``, ``baseline``, ``baseline-WORD``."""
        kind, _, word = name.partition("-")
        if kind != self.baseline.root.name:
            return self.trial(int(name))
        return self.untuned(word) if word else self.baseline

    def trial(self, number: int) -> TrialPaths:
        """Files of trial ``number``; -1 is the baseline."""
        return self.baseline if number < 0 else TrialPaths(self.root / "trials" / f"{number:04d}")

    def confirmation(self, number: int, seed: int) -> TrialPaths:
        """Trial ``number`` run again with another seed, to judge it for a release."""
        return TrialPaths(self.root / "confirmations" / f"{number:04d}-s{seed}")

    def reproduction(self, number: int, attempt: int) -> TrialPaths:
        """Trial ``number`` run again with nothing changed, for the ``attempt``-th time."""
        return TrialPaths(self.root / "reproductions" / f"{number:04d}-{attempt}")

    def checkpoint(self, number: int) -> Path:
        """Where trial ``number`` keeps its weights while it is among the best."""
        return self.checkpoints / f"{number:04d}"

    def kept(self) -> list[int]:
        """The numbers of the trials that keep weights."""
        return _numbers(self.checkpoints)

    def trials(self) -> Iterator[TrialPaths]:
        """Every trial folder there is, in order of number."""
        yield from map(self.trial, _numbers(self.root / "trials"))


@dataclass(frozen=True)
class Workspace:
    """The folders embedtune writes, below the working directory unless configured otherwise."""

    sweeps: Path
    mlruns: Path
    releases: Path

    def data_report(self, name: str) -> Path:
        """What was found in the data of that name, as one page."""
        return self.sweeps / f"data-{name}.html"

    def study(self, name: str) -> StudyPaths:
        """Files of the study ``name``."""
        return StudyPaths(self.sweeps / name)

    def studies(self) -> list[StudyPaths]:
        """Every study there is, by name."""
        if not self.sweeps.is_dir():
            return []
        return [StudyPaths(path) for path in sorted(self.sweeps.iterdir()) if os.path.lexists(path / "study.yaml")]

    @property
    def identity(self) -> Path:
        """Who this workspace is, and the place it is at; no study can have this name."""
        return self.sweeps / ".workspace.json"

    @property
    def artifacts(self) -> Path:
        """Files of the MLflow store; may be a link to another disk."""
        return self.mlruns / "artifacts"

    def owns(self, path: Path) -> bool:
        """Whether a path leads below a folder of this workspace, its links followed.

        Ask before anything is deleted or written at an address that was read from a record.
        """
        roots = [root for root in (self.sweeps, self.mlruns, self.artifacts, self.releases) if root.is_dir()]
        return any(parent.is_dir() and parent.samefile(root) for parent in path.resolve().parents for root in roots)


def _numbers(folder: Path) -> list[int]:
    """The numbers that name something in a folder, in order."""
    names = os.listdir(folder) if folder.is_dir() else []
    return sorted(int(name) for name in names if name.isdecimal())


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write beside, flush to disk, then rename: a reader sees the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    data = content.encode() if isinstance(content, str) else content
    try:
        beside.unlink(missing_ok=True)
        with beside.open("xb") as file:  # not through a link that somebody left there
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write ``values`` as one JSON document, whole or not at all."""
    write_atomic(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def append_json_line(path: Path, values: Mapping[str, Any]) -> None:
    """Append one JSON line and flush it to disk; a line torn by a crash before it stays apart.

    Raises:
        OSError: The disk is full, or the path is that of a link, a pipe or a folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(values, ensure_ascii=False) + "\n"
    with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _NO_LINK, 0o666), "ab+") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "a record must be a regular file", str(path))
        end = file.seek(0, os.SEEK_END)
        torn = end > 0 and os.pread(file.fileno(), 1, end - 1) != b"\n"
        file.write((f"\n{line}" if torn else line).encode())
        file.flush()
        os.fsync(file.fileno())
