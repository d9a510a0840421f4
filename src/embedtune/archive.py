"""Read and write the folder of a trial: the record everything else is derived from."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from embedtune.config import Config
from embedtune.config.restore import restore_config
from embedtune.paths import StudyPaths, TrialPaths, append_json_line, read_json_lines, write_atomic, write_json
from embedtune.records import Evaluation, Opening, TrainingFacts, TrialRecord

logger = logging.getLogger(__name__)


def write_header(trial: TrialPaths, record: TrialRecord, config: dict[str, Any]) -> None:
    """Open a trial's folder: its composed configuration and the record as it begins."""
    write_atomic(trial.config, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    write_json(trial.header, record.to_dict())


def append_evaluation(trial: TrialPaths, evaluation: Evaluation) -> None:
    """Add one evaluation, flushed to disk."""
    append_json_line(trial.metrics, asdict(evaluation))


def write_result(trial: TrialPaths, record: TrialRecord) -> None:
    """Close a trial's folder: from now on the trial has ended."""
    write_json(trial.result, record.to_dict())


def clear_unfinished(trial: TrialPaths) -> None:
    """Remove what a process that died was in the middle of writing."""
    for path in trial.root.glob("*"):
        if path.name == "checkpoint.new" or path.name.startswith("trainer-"):
            shutil.rmtree(path, ignore_errors=True)
        elif path.name.startswith(".") and path.is_file():
            path.unlink(missing_ok=True)


def read_record(study: StudyPaths, number: int) -> TrialRecord | None:
    """The trial as far as it got, with its run and its checkpoint; None if it never began."""
    record = _with_run(study.trial(number))
    kept = study.checkpoint(number)
    return record and replace(record, checkpoint=str(kept) if kept.is_dir() else None)


def read_folder(trial: TrialPaths) -> TrialRecord | None:
    """What a trial's folder says of it as far as it got; None if it never began."""
    values = _read_json(trial.result) or _read_json(trial.header)
    return None if values is None else TrialRecord.from_dict(values)


def _with_run(trial: TrialPaths) -> TrialRecord | None:
    record = read_folder(trial)
    return record and replace(record, run_id=(_read_json(trial.tracking) or {}).get("run_id"))


def _read_json(path: Path) -> Mapping[str, Any] | None:
    """A file that is only ever replaced as a whole, parsed once for each time it was; None if it is not there."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return _parse(path, (stat.st_ino, stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=1 << 14)
def _parse(path: Path, _version: tuple[int, int, int]) -> Mapping[str, Any]:
    values: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values


def read_records(study: StudyPaths) -> Iterator[TrialRecord]:
    """Every trial of the study, in order of number; the baseline is not among them."""
    for trial in study.trials():
        record = read_record(study, int(trial.root.name))
        if record is not None:
            yield record


def read_baselines(study: StudyPaths) -> list[TrialRecord]:
    """The untuned base models that were begun, that of the default one first."""
    records = filter(None, map(_with_run, study.baselines()))
    return sorted(records, key=lambda record: -record.number)


def read_all(study: StudyPaths) -> list[TrialRecord]:
    """The untuned base models that were begun, and every trial."""
    return [*read_baselines(study), *read_records(study)]


def read_evaluations(trial: TrialPaths) -> tuple[Evaluation, ...]:
    """The evaluations of a trial, in order of step."""
    return tuple(Evaluation(**values) for values in read_json_lines(trial.metrics))


def read_facts(trial: TrialPaths) -> TrainingFacts | None:
    """What a trial was trained on and how; None for one that was not trained."""
    if not trial.training.is_file():
        return None
    return TrainingFacts.from_dict(json.loads(trial.training.read_text(encoding="utf-8")))


def record_opening(study: StudyPaths, reason: str, command: str = "") -> tuple[Opening, ...]:
    """Note that the test split is read now; call it before the reading.

    Args:
        study: Whose choice the reading judges.
        reason: What for, such as ``release NAME``.
        command: What was typed, without secrets.

    Returns:
        Every opening so far, this one last.
    """
    append_json_line(study.test_openings, asdict(Opening(int(time.time()), reason, command)))
    return read_openings(study)


def read_openings(study: StudyPaths) -> tuple[Opening, ...]:
    """Every reading of the test split that was recorded, the first one first."""
    return tuple(Opening(**values) for values in read_json_lines(study.test_openings))


def record_decision(study: StudyPaths, document: Mapping[str, Any]) -> Path:
    """Keep the decision of a release under the next number; creating its file claims it against another process."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    study.decisions.mkdir(parents=True, exist_ok=True)
    while True:
        taken = [int(file.stem) for file in study.decisions.glob("*.json") if file.stem.isdecimal()]
        path = study.decisions / f"{max(taken, default=0) + 1:04d}.json"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path


def read_config(trial: TrialPaths) -> dict[str, Any]:
    """The composed configuration of a trial, as plain values."""
    values: dict[str, Any] = yaml.safe_load(trial.config.read_text(encoding="utf-8"))
    return values


def read_recipe(trial: TrialPaths, *, trust_remote_code: bool = False) -> Config:
    """The configuration of a trial, to run or to measure it again; the places it leads to are told first.

    Args:
        trial: Its folder, which somebody else may have written.
        trust_remote_code: Whether this command allows the code of a model; a record cannot.

    Raises:
        ConfigError: It was written by another version, or for code that this command does not allow.
    """
    config = restore_config(read_config(trial), trust_remote_code=trust_remote_code)
    places = {"model.name": config.model.name, "data.path": config.data.path}
    told = ", ".join(f"{key}={value}" for key, value in places.items() if value is not None)
    logger.info("As %s has it: %s", trial.config, told)
    return config
