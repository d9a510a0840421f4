"""State from which a trial resumes after its process died: ``resume/`` in its folder, whole or absent.

Each evaluation but the last writes ``resume/<step>/``: the state of the training, the record up to there and the best
weights so far (hard links). The trial that stands in for a dead one moves the folder to its own and begins with it.
Nothing in it is pickled.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from embedtune import archive
from embedtune.archive.documents import mapping, read_json
from embedtune.errors import RecordError, ResumeError
from embedtune.machine.folders import copy_file, copy_folder, regular_files
from embedtune.paths import TrialPaths, write_json
from embedtune.records import Evaluation
from embedtune.training import Progress, TrainingState, read_state

logger = logging.getLogger(__name__)

_UNFINISHED = ".new"
_RECORD = "record.json"


@dataclass(frozen=True)
class Standing:
    """Where a trial stood after an evaluation.

    Attributes:
        identity: What must be the same for the trial to go on as if it had not stopped.
        best: The place of the best evaluation among all, from 0.
        progress: The training's.
        seconds: Since the trial began.
        mini_batch_size: Rows encoded at once; None: all.
    """

    identity: Mapping[str, Any]
    best: int
    progress: Progress
    seconds: float
    mini_batch_size: int | None


@dataclass(frozen=True)
class Resumed:
    """A trial to go on with, its record put back into its folder."""

    standing: Standing
    training: TrainingState
    evaluations: tuple[Evaluation, ...]


def save(trial: TrialPaths, standing: Standing, write_training: Callable[[Path], None]) -> None:
    """Write where the trial stands; what was written before is kept until this is whole.

    Args:
        trial: Its folder, with the record of the evaluation just done.
        standing: Where it stands.
        write_training: Writes the state of the training into a folder.

    Raises:
        OSError: The disk is full, or would be.
        ResumeError: The state cannot be written.
    """
    new = trial.resume / _UNFINISHED
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    write_training(new)
    for path in (trial.metrics, trial.scores):
        shutil.copy2(path, new / path.name)  # small, and the first of them grows
    copy_folder(trial.checkpoint, new / trial.checkpoint.name)
    write_json(new / _RECORD, asdict(standing))
    _flush(new)
    if shutil.disk_usage(new).free < _size(new):
        raise OSError(errno.ENOSPC, "the disk must keep room for the next checkpoint")
    whole = trial.resume / f"{standing.progress.step:08d}"
    new.rename(whole)
    for older in trial.resume.iterdir():
        if older != whole:
            shutil.rmtree(older, ignore_errors=True)


def take_over(before: Sequence[TrialPaths], trial: TrialPaths) -> None:
    """Move to ``trial`` what the trials it stands in for left, the nearest first."""
    for name in (trial.resume.name, trial.fold_parts.name):
        left = next((earlier.root / name for earlier in before if (earlier.root / name).is_dir()), None)
        if left is not None:
            trial.root.mkdir(parents=True, exist_ok=True)
            left.rename(trial.root / name)


def load(trial: TrialPaths, identity: Mapping[str, Any]) -> Resumed | None:
    """Put the record back as it was after the last evaluation that was saved; None if there is nothing to go on from.

    A state that is torn, or of another code, configuration or device, is removed: the trial starts over.
    """
    folder = max((path for path in _children(trial.resume) if path.name.isdecimal()), default=None)
    if folder is None:
        drop(trial)
        return None
    try:
        regular_files(folder)  # a pipe would keep what reads it waiting
        values = mapping(read_json(folder / _RECORD))
        written, now = values["identity"], json.loads(json.dumps(identity))
        if written != now:
            changed = sorted(key for key in {**now, **written} if written.get(key) != now.get(key))
            raise ResumeError(f"it was written with another {', '.join(changed)}")
        standing = Standing(**{**values, "progress": Progress(**values["progress"])})
        training, evaluations = read_state(folder), _put_back(folder, trial)
        if not (0 <= standing.best < len(evaluations) and evaluations[-1].step == training.step):
            raise ResumeError("its evaluations are not those of its step")
        return Resumed(standing, training, evaluations)
    except (ResumeError, RecordError, OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s starts anew, its saved state cannot be used: %s", trial.root.name, error)
        drop(trial)
        return None


def drop(trial: TrialPaths) -> None:
    """Remove the saved state of a training: it starts anew."""
    shutil.rmtree(trial.resume, ignore_errors=True)


def forget(trial: TrialPaths) -> None:
    """Remove all that a trial could go on from, finished folds too: it has ended."""
    drop(trial)
    shutil.rmtree(trial.fold_parts, ignore_errors=True)


def _put_back(folder: Path, trial: TrialPaths) -> tuple[Evaluation, ...]:
    for path in (trial.metrics, trial.scores):
        path.unlink(missing_ok=True)
        copy_file(folder / path.name, path)
    shutil.rmtree(trial.checkpoint, ignore_errors=True)
    copy_folder(folder / trial.checkpoint.name, trial.checkpoint)
    return archive.read_evaluations(trial)


def _children(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _flush(folder: Path) -> None:
    """Have the disk hold what was written, so that a machine that stops leaves nothing torn behind the new name."""
    for path in _files(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))
