"""Scores beside the texts of a row: the label of a pair, a margin, or one score for each passage. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from embedtune.data.drafts import Problem, Rows, Table
from embedtune.records import RELATED


def is_related(rows: Rows, row: int) -> bool:
    """Whether the positive of a row answers its anchor: a labelled pair may say that it does not."""
    return not _are_labels(rows) or float(rows.scores[row][0]) >= RELATED


def check_scores(rows: Rows) -> Iterator[Problem]:
    """Scores that are no finite numbers, and rows that have more or fewer of them than a loss can read."""
    passages = len(rows.columns) - 1
    allowed = sorted({1, passages - 1, passages} - {0})
    for number, scores in enumerate(rows.scores):
        place = rows.place(number)
        wrong = [score for score in scores if not is_number(score)]
        if wrong:
            message = f"{place} score must be a finite number, but got {wrong[0]!r}. Correct or remove the row."
            yield Problem(f"scores of {rows.file} that are no numbers", message, place)
        elif len(scores) not in allowed or len(scores) != len(rows.scores[0]):
            rule = "one score, or one for each of its passages, as every row has"
            message = f"{place} must have {rule}, but got {len(scores)} for {passages}. Correct or remove the row."
            yield Problem(f"rows of {rows.file} with other scores", message, place)


def unrelated_pairs(splits: Mapping[str, Table]) -> Iterator[str]:
    """A warning for each split that is evaluated and holds pairs which do not answer each other."""
    for split, rows in splits.items():
        if not isinstance(rows, Rows) or not _are_labels(rows):
            continue
        related = [is_related(rows, row) for row in range(len(rows.values))]
        if split != "train" and not all(related):
            asked = {row[0] for row in rows.values}
            left = {row[0] for row, answers in zip(rows.values, related, strict=True) if answers}
            yield (
                f"{rows.file}: {related.count(False)} of {len(related)} pairs have a score below {RELATED:g} and count "
                f"as no answer; {len(asked - left)} of {len(asked)} queries are left without one and are not asked."
            )


def _are_labels(rows: Rows) -> bool:
    return bool(rows.scores) and len(rows.columns) == 2


def is_number(value: Any) -> bool:
    """Whether a cell holds a finite number, as such or as text."""
    try:
        return value is not None and math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False
