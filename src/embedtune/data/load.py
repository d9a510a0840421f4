"""Read, check and build a task."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from embedtune.config import DataConfig, OnLeak
from embedtune.data.build import limit_queries, limit_rows, retrieval_set, training_set
from embedtune.data.check import check_draft, check_left, check_training
from embedtune.data.digest import retrieval_digest, training_digest
from embedtune.data.division import divide, split_problem
from embedtune.data.drafts import Draft, Notes, Problem, Table, tell
from embedtune.data.graded import with_threshold
from embedtune.data.harmless import without_harmless
from embedtune.data.labels import unrelated_pairs
from embedtune.data.leaks import find_leaks, leak_problems, near_warnings, parts_of, without_leaks
from embedtune.data.overlap import find_overlaps
from embedtune.data.readers.columns import is_role
from embedtune.data.readers.files import read_files, read_table
from embedtune.data.readers.hub import read_hub
from embedtune.data.readers.library.pydocs import read_pydocs
from embedtune.data.report import DataReport
from embedtune.errors import DataError, join_problems
from embedtune.records import RetrievalSet, Synthetic, TaskData

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
    draft = with_threshold(without_harmless(_read(config)), config.relevant_from)
    problems = [*draft.problems, *check_draft(draft)]
    if unsplit := split_problem(draft, config.split):
        problems.append(Problem("data.split", unsplit))
    if problems:
        whole = {"train": draft.single} if draft.single is not None else dict(draft.splits)
        return DataReport(None, tuple(problems), _said(draft.warnings), whole, draft.extra)
    splits, extra, problems, warnings = _kept_apart(config, draft)
    if problems:
        return DataReport(None, tuple(problems), _said([*draft.warnings, *warnings]), splits, extra)
    task = replace(_build(config, draft.source, splits, extra), synthetic=_synthetic(draft, splits))
    warnings += [task.synthetic.sentence] if task.synthetic else []
    warnings += [*unrelated_pairs(splits), *_own_passages(task), *find_overlaps(task), *_missing_splits(task)]
    problems = [problem for training in task.training for problem in check_training(training)]
    said = _said([*draft.warnings, *warnings])
    return DataReport(None if problems else replace(task, warnings=said), tuple(problems), said, splits, extra)


def _synthetic(draft: Draft, splits: Mapping[str, Table]) -> Synthetic | None:
    """Which queries nobody asked, after one split of them was divided."""
    if draft.synthetic is None or set(draft.splits) == set(splits):
        return draft.synthetic
    return replace(draft.synthetic, splits=tuple(splits))


def _kept_apart(
    config: DataConfig, draft: Draft
) -> tuple[Mapping[str, Table], Mapping[str, Table], list[Problem], list[str]]:
    """The splits and further sets as ``data.on_leak`` wants them, and what there is to say of it."""
    near = config.near_duplicates
    splits, extra = divide(draft, config.split, config.seed, near), draft.extra
    if config.on_leak == OnLeak.drop:
        splits, extra, dropped = without_leaks(splits, extra, near)
        return splits, extra, list(check_left({**splits, **extra})), dropped
    if config.on_leak == OnLeak.error:
        return splits, extra, list(leak_problems(find_leaks(parts_of(splits, extra), near))), []
    return splits, extra, [], list(near_warnings(find_leaks(parts_of(splits, extra), near))) if near else []


def _own_passages(task: TaskData) -> Iterator[str]:
    """That passages are left out of rankings."""
    for name, data in task.splits.items():
        if data.own and name != "train":
            yield (
                f"{name}: {len(data.own)} of {len(data.queries)} queries have a passage of the same id that does not "
                "answer them; it is left out of their rankings, as BEIR and MTEB do. data.skip_own=false keeps it."
            )


def _missing_splits(task: TaskData) -> Iterator[str]:
    """What a missing split costs, said before anything is trained."""
    if task.training and "validation" not in task.splits:
        yield f"{task.source} has no validation split, so no study can be run on it. Set data.splits.validation."
    elif task.training and "test" not in task.splits:
        yield (
            f"{task.source} has no test split: a release will be judged by the validation queries that also chose it, "
            "with a correction for the choice that makes small gains harder to show. Set data.splits.test."
        )


def _said(warnings: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(tell, warnings)))


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
            message = f"data.columns.{role} must be one of anchor, positive, negative, score, group, or the second and"
            found.append(
                Problem("data.columns", f"{message} the third with a number (negative_2), but got {role}. Rename it.")
            )
    if config.label in config.extra:
        message = f"data.extra.{config.label} must have a name of its own, but got the name of the data. Rename it."
        found.append(Problem("data.extra", message))
    return found


def _prompts(config: DataConfig, name: str) -> dict[str, str]:
    return {role: prompt for role, prompt in config.prompts.get(name, {}).items() if prompt is not None}


def _build(config: DataConfig, source: str, splits: Mapping[str, Table], extra: Mapping[str, Table]) -> TaskData:
    """The task within its limits; ``max_queries`` is for evaluation, so the training split keeps all its queries."""
    sets = {split: retrieval_set(table, config.skip_own) for split, table in splits.items()}
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
