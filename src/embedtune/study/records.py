"""Trials wherever they ran: a study in a database also holds what hosts without our folder need to know of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from embedtune import archive
from embedtune.archive.documents import mapping
from embedtune.records import State, StudyDefinition, TrialRecord
from embedtune.study.attributes import WORKER, takes_part
from embedtune.study.checkpoints import contenders, keep_best
from embedtune.study.definition import require_same
from embedtune.study.opening import Study
from embedtune.study.recovery import replaced

logger = logging.getLogger(__name__)

RECORD = "record"
"""User attribute of a trial that has ended: its record."""
BASELINE = "baseline"
"""User attributes of a study that begin so are the records of its untuned base models, by their names."""
DEFINITION = "definition"
"""User attribute of a study: its definition."""


def agree(study: Study, definition: StudyDefinition) -> None:
    """Make the definition that of the study in its database, or see that it already is.

    Raises:
        ConfigError: The study was begun with another definition, here or on another host; says every difference.
    """
    if not study.shared:
        return
    with study.claiming():
        stored = study.optuna.user_attrs.get(DEFINITION)
        ours = json.loads(json.dumps(definition.to_dict()))
        if stored is None:
            study.optuna.set_user_attr(DEFINITION, ours)
        else:
            require_same(study.paths.name, StudyDefinition.from_dict(stored), definition)


def publish(study: Study, record: TrialRecord) -> None:
    """Store the record of a trial that ends where other hosts find it.

    The storage takes it only while the trial runs. Weights and files stay on the host that has them.
    """
    if study.shared:
        study.note(record.number, RECORD, _values(record))


def publish_baseline(study: Study, record: TrialRecord) -> bool:
    """Store the record of an untuned model where other hosts find it; False if one of them was first."""
    if study.shared:
        with study.claiming():
            if record.name in study.optuna.user_attrs:
                return False
            study.optuna.set_user_attr(record.name, _values(record))
    return True


def _values(record: TrialRecord) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(replace(record, checkpoint=None).to_dict()))
    return values


def published(study: Study, number: int) -> TrialRecord | None:
    """The record that a trial left; None before it has ended."""
    trial = study.trial(number)
    return from_storage(study, trial) if RECORD in trial.user_attrs else None


def is_running(study: Study, number: int) -> bool:
    """Whether the storage still accepts reports from a trial's worker."""
    return study.trial(number).state == TrialState.RUNNING


def read_baselines(study: Study) -> list[TrialRecord]:
    """The records of the untuned base models, that of the default one first; those of this host where it has them."""
    here = archive.read_baselines(study.paths)
    if not study.shared:
        return here
    attributes = study.optuna.user_attrs
    read = {name: _parsed(attributes[name], name) for name in attributes if name.startswith(BASELINE)}
    found = {name: record for name, record in read.items() if record is not None}
    found |= {own.name: own for own in here if own.state == State.COMPLETE or own.name not in found}
    return sorted(found.values(), key=lambda record: -record.number)


def read_records(study: Study) -> Iterator[TrialRecord]:
    """Every trial that was begun, in order of number; the baseline is not among them."""
    if not study.shared:
        yield from archive.read_records(study.paths)
        return
    here = {record.number: record for record in archive.read_records(study.paths)}
    elsewhere = {record.number: record for record in read_elsewhere(study)}
    yield from (record for _, record in sorted((elsewhere | here).items()))


def read_elsewhere(study: Study) -> Iterator[TrialRecord]:
    """The trials of which this host has no folder; none without a database."""
    for trial in study.trials() if study.shared else ():
        begun = trial.state != TrialState.WAITING and takes_part(trial)
        if begun and archive.read_record(study.paths, trial.number) is None:
            yield from_storage(study, trial)


def judge_weights(study: Study, keep: int, fresh: Iterable[int]) -> None:
    """Decide whose weights stay: of the trials of this host that have any, those among the best of the whole study.

    Args:
        study: Open.
        keep: How many trials keep weights.
        fresh: Trials whose weights are still in their folders.
    """
    with study.lock("checkpoints"):
        records = [*contenders(study.paths, fresh), *read_elsewhere(study)]
        keep_best(study.paths, keep, records, replaced(study))


def read_all(study: Study) -> list[TrialRecord]:
    """The untuned base models that were begun, and every trial."""
    return [*read_baselines(study), *read_records(study)]


def from_storage(study: Study, trial: FrozenTrial) -> TrialRecord:
    """The record of a trial in the storage: complete once it has ended, before that only what Optuna was told."""
    found = _parsed(trial.user_attrs.get(RECORD), f"trial {trial.number} of {study.paths.name}")
    if found is not None:
        return found
    started = trial.datetime_start
    return TrialRecord(
        study=study.paths.name,
        number=trial.number,
        state=State(trial.state.name.lower()),
        params=dict(trial.params),
        value=trial.values[0] if trial.values else trial.intermediate_values.get(trial.last_step or 0),
        started=0 if started is None else int(started.timestamp() * 1000),
        facts={"worker": str(trial.user_attrs.get(WORKER, ""))},
    )


def _parsed(values: object, whose: str) -> TrialRecord | None:
    """A record in the storage; None if there is none that can be read."""
    if values is None:
        return None
    try:
        return TrialRecord.from_dict(mapping(values))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        logger.warning("The record of %s in study.storage cannot be read (%s)", whose, error)
        return None
