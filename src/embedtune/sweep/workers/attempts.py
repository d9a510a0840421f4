"""When to give up: on a trial that repeatedly takes down its workers, and on a study that cannot succeed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from embedtune import archive
from embedtune.records import Interruption, State, TrialRecord
from embedtune.study import Study, predecessors
from embedtune.study.outcome import tell
from embedtune.study.records import from_storage
from embedtune.trial import resume
from embedtune.trial.recorder import FOLDS_DONE

logger = logging.getLogger(__name__)

DEVICE_ATTEMPTS = 2
"""How often a trial may lose its worker's device: once may be the fault of the device or of a trial beside it."""
PATIENCE = 3
"""Trials that may fail for one reason before a study without any success stops."""


def deaths(study: Study, number: int) -> int:
    """How many workers in a row died of this configuration, none of them an evaluation or a fold further than before.

    An interruption by a person, a full disk or a lost database is no death, and a trial that gets on is not the reason
    why workers die.
    """
    trial, own = study.trial(number), archive.read_record(study.paths, number)
    count, done = int(own is None or own.interrupted is not Interruption.STOPPED), _progress(study, number)
    for before in predecessors(study, trial):
        record = archive.read_record(study.paths, before)
        if record is not None and record.interrupted is Interruption.STOPPED:
            continue
        if _progress(study, before) < done:
            break
        count += 1
    return count


def give_up(study: Study, number: int, attempts: int, reason: str = "its worker died") -> TrialRecord | None:
    """Let a trial fail permanently if its worker died too often; its record, or None if it may be queued again."""
    count = deaths(study, number)
    if count < attempts:
        return None
    trial, paths = study.trial(number), study.paths.trial(number)
    record = archive.read_record(study.paths, number) or from_storage(study, trial)
    record = replace(record, state=State.FAIL, reason=f"{reason} ({count} times in a row)", interrupted=None)
    archive.write_result(paths, record)
    resume.forget(paths)
    tell(study, record)
    logger.warning("Trial %d fails: %s", number, record.reason)
    return record


def common_failure(records: Iterable[TrialRecord]) -> str | None:
    """The reason if the first trials all failed for it and none has succeeded; None otherwise."""
    reasons = []
    for record in records:
        if record.state == State.RUNNING or record.interrupted is not None:
            continue
        if record.state != State.FAIL:
            return None  # and no more of them is read
        reasons.append(str(record.reason))
    return reasons[0] if len(reasons) >= PATIENCE and len(set(reasons)) == 1 else None


def _progress(study: Study, number: int) -> int:
    """The progress of a trial: its folds and evaluations."""
    record = archive.read_record(study.paths, number)
    folds = int(record.facts.get(FOLDS_DONE, 0)) if record else 0
    return folds + len(archive.read_evaluations(study.paths.trial(number)))
