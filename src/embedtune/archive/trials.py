"""Read and write the folder of a trial: the record everything else is derived from."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml

from embedtune import typed
from embedtune.archive.documents import (
    as_known,
    is_damaged,
    mapping,
    put_aside,
    read_json,
    read_lines,
    read_yaml,
    reading,
)
from embedtune.config import Config
from embedtune.config.restore import restore_config
from embedtune.errors import ConfigError
from embedtune.paths import StudyPaths, TrialPaths, append_json_line, write_atomic, write_json
from embedtune.records import Delivered, Evaluation, TrainingFacts, TrialRecord

logger = logging.getLogger(__name__)


def write_header(trial: TrialPaths, record: TrialRecord, config: dict[str, Any]) -> None:
    """Open a trial's folder: its composed configuration and the record as it begins."""
    if is_damaged(trial.result, _record):
        put_aside(trial.result)  # it would be taken for that of the trial which begins now
    _make_room(trial.header)
    if not trial.config.is_file() or trial.config.is_symlink():
        _make_room(trial.config)
    write_atomic(trial.config, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    write_json(trial.header, record.to_dict())


def append_evaluation(trial: TrialPaths, evaluation: Evaluation) -> None:
    """Add one evaluation, flushed to disk."""
    append_json_line(trial.metrics, asdict(evaluation))


def write_result(trial: TrialPaths, record: TrialRecord) -> None:
    """Close a trial's folder: from now on the trial has ended."""
    _make_room(trial.result)
    write_json(trial.result, record.to_dict())


def clear_unfinished(trial: TrialPaths) -> None:
    """Remove the partial files of a process that died while writing."""
    for path in trial.root.glob("*"):
        if path.name == "checkpoint.new" or path.name.startswith("trainer-"):
            shutil.rmtree(path, ignore_errors=True)
        elif path.name.startswith(".") and path.is_file():
            path.unlink(missing_ok=True)


def read_record(study: StudyPaths, number: int) -> TrialRecord | None:
    """The trial as far as it got, with its run and its checkpoint; None if it never began, or cannot be read."""
    record = _own(study, study.trial(number))
    kept = study.checkpoint(number)
    return record and replace(record, checkpoint=str(kept) if kept.is_dir() else None)


def read_folder(trial: TrialPaths) -> TrialRecord | None:
    """The record of a trial as far as it got; None if it never began, or its folder cannot be read."""
    if is_damaged(trial.result, _record):
        return None  # as it began it would be taken for running
    return as_known(trial.result, _record) or as_known(trial.header, _record)


def _own(study: StudyPaths, trial: TrialPaths) -> TrialRecord | None:
    """A record with its run, if it is that of its folder."""
    record = read_folder(trial)
    if record is None:
        return None
    if study.of(record.name) != trial:
        logger.warning("%s must hold the trial of its name, but holds %s. It is left out.", trial.root, record.name)
        return None
    return replace(record, run_id=read_delivered(trial).run_id)


def read_records(study: StudyPaths) -> Iterator[TrialRecord]:
    """Every trial of the study, in order of number; the baseline is not among them."""
    for trial in study.trials():
        record = read_record(study, int(trial.root.name))
        if record is not None:
            yield record


def read_baselines(study: StudyPaths) -> list[TrialRecord]:
    """The untuned base models that were begun, that of the default one first."""
    records = [record for trial in study.baselines() if (record := _own(study, trial)) is not None]
    return sorted(records, key=lambda record: -record.number)


def read_all(study: StudyPaths) -> list[TrialRecord]:
    """The untuned base models that were begun, and every trial."""
    return [*read_baselines(study), *read_records(study)]


def read_evaluations(trial: TrialPaths) -> tuple[Evaluation, ...]:
    """The evaluations of a trial, in order of step."""
    return read_lines(trial.metrics, Evaluation.from_dict)


def read_facts(trial: TrialPaths) -> TrainingFacts | None:
    """The training data and method of a trial; None if it was not trained, or they cannot be read."""
    return as_known(trial.training, _facts)


def read_delivered(trial: TrialPaths) -> Delivered:
    """The parts of a trial that a store already has; empty if unreadable, so that all is delivered again."""
    return as_known(trial.tracking, _delivered) or Delivered()


def write_delivered(trial: TrialPaths, delivered: Delivered) -> None:
    """Note what a store has of a trial now."""
    if is_damaged(trial.tracking, _delivered):
        put_aside(trial.tracking)
    write_json(trial.tracking, asdict(delivered))


def read_config(trial: TrialPaths) -> Mapping[str, Any] | None:
    """The composed configuration of a trial, as plain values; None where it cannot be read."""
    return as_known(trial.config, _config)


def require_config(trial: TrialPaths) -> Mapping[str, Any]:
    """The composed configuration of a trial, as plain values.

    Raises:
        RecordError: It cannot be read.
        ConfigError: There is none.
    """
    try:
        return _config(trial.config)
    except FileNotFoundError as error:
        raise ConfigError(
            f"{trial.root} must hold a trial's config.yaml, but there is none. Name another trial."
        ) from error


def read_recipe(trial: TrialPaths, *, trust_remote_code: bool = False) -> Config:
    """The configuration of a trial, to run or to measure it again; the locations it refers to are logged first.

    Args:
        trial: Its folder, which somebody else may have written.
        trust_remote_code: Whether this command allows the code of a model; a record cannot.

    Raises:
        RecordError: It cannot be read.
        ConfigError: It was written by another version, or for code that this command does not allow.
    """
    config = restore_config(require_config(trial), trust_remote_code=trust_remote_code)
    places = {"model.name": config.model.name, "data.path": config.data.path}
    told = ", ".join(f"{key}={value}" for key, value in places.items() if value is not None)
    logger.info("As %s has it: %s", trial.config, told)
    return config


def _make_room(path: Path) -> None:
    """Move aside what stands where a record should be and is not one."""
    if is_damaged(path, _record):
        put_aside(path)


def _record(path: Path) -> TrialRecord:
    with reading(path):
        return TrialRecord.from_dict(mapping(read_json(path)))


def _facts(path: Path) -> TrainingFacts:
    with reading(path):
        return TrainingFacts.from_dict(mapping(read_json(path)))


def _config(path: Path) -> Mapping[str, Any]:
    with reading(path):
        values = mapping(read_yaml(path))
        typed.read(Config, values, unknown=True)  # an older version's lacks keys
        return values


def _delivered(path: Path) -> Delivered:
    with reading(path):
        return typed.read(Delivered, read_json(path), unknown=True)
