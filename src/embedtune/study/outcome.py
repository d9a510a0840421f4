"""How a trial ended, told to Optuna from its record."""

from __future__ import annotations

from optuna.trial import TrialState

from embedtune import archive
from embedtune.records import State, TrialRecord
from embedtune.study.opening import Study
from embedtune.study.records import publish, published
from embedtune.study.storage.optuna_private import set_constraint

_STATES = {State.COMPLETE: TrialState.COMPLETE, State.PRUNED: TrialState.PRUNED, State.FAIL: TrialState.FAIL}


def tell(study: Study, record: TrialRecord) -> None:
    """Record the outcome with Optuna and for other hosts; a trial's value is that of its best evaluation."""
    publish(study, record)  # the storage takes nothing more once the trial has ended
    state = _STATES[record.state]
    values = [value for value in (record.value, record.second) if value is not None]
    if record.state != State.FAIL:
        _tell_constraints(study, record)
    study.optuna.tell(record.number, values if state == TrialState.COMPLETE else None, state=state)


def _tell_constraints(study: Study, record: TrialRecord) -> None:
    """By how much the trial breaks each constraint, as ``optuna.Trial.set_constraint`` stores it."""
    for text, amount in (record.facts.get("constraints") or {}).items():
        set_constraint(study.storage, study.trial_id(record.number), text, amount)


def settle(study: Study, number: int) -> bool:
    """Tell Optuna about a trial that ended just before its worker did; False if it had not ended."""
    record = archive.read_record(study.paths, number) or published(study, number)
    if record is None or not is_final(record):
        return False
    tell(study, record)
    return True


def is_final(record: TrialRecord) -> bool:
    """Whether the trial ended: it is not running, and was not interrupted to continue elsewhere."""
    return record.state in _STATES and record.interrupted is None
