"""Only the best trials of a study keep their weights."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from embedtune import archive
from embedtune.paths import StudyPaths
from embedtune.records import State, TrialRecord


def keep_best(study: StudyPaths, keep: int, replaced: Iterable[int] = ()) -> None:
    """Move the weights of ended trials to ``checkpoints/`` if they are among the best, else delete them.

    Args:
        study: Its folder.
        keep: How many trials keep weights.
        replaced: Trials that a retry stands in for; they keep none.
    """
    gone = set(replaced)
    ended = [record for record in archive.read_records(study) if record.state != State.RUNNING]
    best = {record.number for record in rank([r for r in ended if r.number not in gone])[:keep]}
    study.checkpoints.mkdir(exist_ok=True)
    for record in ended:
        fresh, kept = study.trial(record.number).checkpoint, study.checkpoint(record.number)
        if record.number not in best:
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(kept, ignore_errors=True)
        elif fresh.is_dir():
            shutil.rmtree(kept, ignore_errors=True)
            fresh.rename(kept)


def rank(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Finished trials that have a value, pruned ones too; best first, of two equals the earlier."""
    scored = [r for r in records if r.value is not None and r.state in (State.COMPLETE, State.PRUNED)]
    return sorted(scored, key=lambda record: (-(record.value or 0.0), record.number))
