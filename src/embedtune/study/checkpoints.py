"""Only the best trials of a study keep their weights."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator

from embedtune import archive
from embedtune.paths import StudyPaths
from embedtune.ranking import by_crowding_distance, pareto_front, rank
from embedtune.records import State, TrialRecord


def keep_best(study: StudyPaths, keep: int, records: Iterable[TrialRecord], replaced: Collection[int] = ()) -> None:
    """Move the weights of ended trials to ``checkpoints/`` if they are among the best, else delete them.

    Hold a lock: of two processes at once each would judge what it sees.

    Args:
        study: Its folder.
        keep: How many trials keep weights.
        records: The trials to choose among, those of other hosts too.
        replaced: Trials that a retry stands in for; they keep none.
    """
    ended = [record for record in records if record.state != State.RUNNING]
    best = {record.number for record in keepers([r for r in ended if r.number not in replaced])[:keep]}
    study.checkpoints.mkdir(exist_ok=True)
    for record in ended:
        fresh, kept = study.trial(record.number).checkpoint, study.checkpoint(record.number)
        if record.number not in best:
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(kept, ignore_errors=True)
        elif fresh.is_dir():
            shutil.rmtree(kept, ignore_errors=True)
            fresh.rename(kept)


def contenders(study: StudyPaths, fresh: Iterable[int]) -> Iterator[TrialRecord]:
    """The trials of ``fresh`` and those that keep weights until now: the only ones that have any."""
    for number in sorted({*fresh, *study.kept()}):
        record = archive.read_record(study, number)
        if record is not None:
            yield record


def keepers(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """The ranked trials in the order in which they keep weights: of a Pareto front so that it stays spread."""
    ranked = rank(records)
    front = by_crowding_distance(pareto_front(ranked))
    return [*front, *(record for record in ranked if record not in front)]
