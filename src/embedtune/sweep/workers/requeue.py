"""Clean-up after processes that died: trials queued again, records closed and delivered, files tidied up."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace

from embedtune import archive
from embedtune.machine.processes import worker_alive
from embedtune.records import Evaluation, Interruption, State, TrialRecord
from embedtune.study import Study, reconcile
from embedtune.study.outcome import is_final, settle
from embedtune.study.records import from_storage, judge_weights
from embedtune.sweep.delivery import Delivery
from embedtune.sweep.workers.attempts import give_up
from embedtune.tracking import is_delivered
from embedtune.trial import resume

logger = logging.getLogger(__name__)


def mend(study: Study, delivery: Delivery, keep: int, attempts: int) -> list[TrialRecord]:
    """Repair the study after the death of any of its processes, at any moment; idempotent.

    Args:
        study: Open.
        delivery: Gets what was not delivered.
        keep: How many trials keep weights.
        attempts: How many workers in a row a trial may take down with it.

    Returns:
        The trials that failed permanently, because they took down that many.
    """
    given_up: list[TrialRecord] = []

    def ends(number: int) -> bool:
        if settle(study, number):
            return True
        record = give_up(study, number, attempts)
        given_up.extend([record] if record else [])
        return record is not None

    queued = reconcile(study, ends)
    for number in queued:
        logger.warning("Trial %d was left unfinished by a worker that died; it is queued again", number)
        if study.shared and archive.read_record(study.paths, number) is None:  # it ran on another host
            elsewhere = from_storage(study, study.trial(number))
            archive.write_result(study.paths.trial(number), _interrupted(elsewhere, ()))
    for record in archive.read_records(study.paths):
        trial = study.paths.trial(record.number)
        if record.state == State.RUNNING and _is_dead(record, queued):
            archive.write_result(trial, _interrupted(record, archive.read_evaluations(trial)))
        elif is_final(record):
            resume.forget(trial)
        if trial.result.is_file() and not is_delivered(trial):
            if _is_dead(record, queued):
                archive.clear_unfinished(trial)
            delivery.trial(trial)
    judge_weights(study, keep, [int(trial.root.name) for trial in study.paths.trials() if trial.checkpoint.is_dir()])
    return given_up


def _is_dead(record: TrialRecord, queued: Collection[int]) -> bool:
    return record.number in queued or not worker_alive(str(record.facts.get("worker", "")))


def _interrupted(record: TrialRecord, evaluations: Collection[Evaluation]) -> TrialRecord:
    seconds = max((evaluation.seconds for evaluation in evaluations), default=0.0)
    return replace(record, seconds=seconds).broken_off(Interruption.DIED, "its worker died")
