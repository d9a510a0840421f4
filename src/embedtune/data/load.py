"""Read, check and build a task."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from embedtune.config import DataConfig
from embedtune.data.build import divide, limit_queries, limit_rows, retrieval_set, training_set
from embedtune.data.check import check_draft, check_training
from embedtune.data.digest import retrieval_digest, training_digest
from embedtune.data.drafts import Draft, Notes, Problem, Table, summarise, tell
from embedtune.data.harmless import without_harmless
from embedtune.data.labels import unrelated_pairs
from embedtune.data.overlap import find_overlaps
from embedtune.data.readers.columns import is_role
from embedtune.data.readers.files import read_files, read_table
from embedtune.data.readers.hub import read_hub
from embedtune.data.readers.pydocs import read_pydocs
from embedtune.data.report import DataReport
from embedtune.errors import DataError, join_problems
from embedtune.records import RetrievalSet, TaskData

_READERS = {"files": read_files, "hub": read_hub, "pydocs": read_pydocs}

logger = logging.getLogger(__name__)


def load_task(config: DataConfig) -> TaskData:
    """The task, read and checked; what is suspicious but usable is logged as a warning.

    Raises:
        DataError: With every problem found and its place, one a line.
    """
    report = inspect_task(config)
    for warning in report.warnings:
        logger.warning("%s", warning)
    if report.task is None:
        raise DataError(join_problems(report.problems))
    return report.task


def inspect_task(config: DataConfig) -> DataReport:
    """The same without raising or logging."""
    draft = without_harmless(_read(config))
    said = tuple(dict.fromkeys(map(tell, draft.warnings)))
    problems = [*draft.problems, *check_draft(draft)]
    if problems:
        return DataReport(None, summarise(problems), said)
    splits = draft.splits if draft.single is None else divide(draft.single, config.seed)
    task = _build(config, draft.source, splits, draft.extra)
    said += tuple(map(tell, unrelated_pairs(splits)))
    problems = [problem for training in task.training for problem in check_training(training)]
    if problems:
        return DataReport(None, summarise(problems), said)
    warnings = list(find_overlaps(task))
    if task.training and "validation" not in task.splits:
        warnings.append(
            f"{draft.source} has no validation split, so no study can be run on it. Set data.splits.validation."
        )
    return DataReport(task, (), tuple(dict.fromkeys([*said, *map(tell, warnings)])))


def _read(config: DataConfig) -> Draft:
    """The data of the source, and the further training sets, which any source may have."""
    notes = Notes(_key_problems(config))
    draft = _READERS[config.source](config)
    extra: dict[str, Table] = {}
    for name, file in config.extra.items():
        table = read_table(Path(file).expanduser(), config.columns, notes)
        extra |= {name: table} if table else {}
    return replace(draft, extra=extra).noted(notes)


def _key_problems(config: DataConfig) -> list[Problem]:
    """Rules of the keys whose names users choose."""
    found = []
    for role in config.columns:
        if not is_role(role):
            message = f"data.columns.{role} must be one of anchor, positive, negative, score, or the middle ones with a"
            found.append(Problem("data.columns", f"{message} number (negative_2), but got {role}. Rename it."))
    if config.label in config.extra:
        message = f"data.extra.{config.label} must have a name of its own, but got the name of the data. Rename it."
        found.append(Problem("data.extra", message))
    return found


def _prompts(config: DataConfig, name: str) -> dict[str, str]:
    return {role: prompt for role, prompt in config.prompts.get(name, {}).items() if prompt is not None}


def _build(config: DataConfig, source: str, splits: Mapping[str, Table], extra: Mapping[str, Table]) -> TaskData:
    """The task within its limits; ``max_queries`` is for evaluation, so the training split keeps all its queries."""
    sets = {split: retrieval_set(table) for split, table in splits.items()}
    limited: dict[str, RetrievalSet] = {
        split: data if split == "train" else limit_queries(data, config.max_queries, config.seed)
        for split, data in sets.items()
    }
    tables = ({config.label: splits["train"]} if "train" in splits else {}) | dict(extra)
    training = tuple(
        replace(limit_rows(training_set(name, table), config.max_train, config.seed), prompts=_prompts(config, name))
        for name, table in tables.items()
    )
    digests = {split: retrieval_digest(data) for split, data in limited.items()}
    if training:
        digests["training"] = training_digest(training)
    return TaskData(config.label, source, training, limited, digests)
