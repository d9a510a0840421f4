"""Rows as a loss reads them, from columns that may hold one text, several, or passages with a title."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from embedtune.data.drafts import PAIR, Notes, Rows, place
from embedtune.data.labels import is_number
from embedtune.data.readers.columns import PASSAGE_SCORES, Roles
from embedtune.data.readers.room import CELL, require_room


@dataclass(frozen=True)
class Columns:
    """Equally long columns as a file has them.

    Attributes:
        values: Name -> its cells.
        numbers: Where each row stands in the file; empty where that is its number.
        unit: What ``numbers`` count.
    """

    file: str
    values: Mapping[str, Sequence[Any]]
    numbers: Sequence[int] = ()
    unit: Literal["line", "row"] = "row"


def make_rows(columns: Columns, roles: Roles, notes: Notes) -> Rows:
    """One row for each positive, beside as many negatives as every row has.

    Raises:
        Unreadable: The rows would be far more than the file: each positive stands beside all negatives of its row.
    """
    anchors = columns.values[roles.anchor]
    positives = _merged([columns.values[name] for name in roles.positives])
    negatives = _merged([columns.values[name] for name in roles.negatives]) if roles.negatives else [[]] * len(anchors)
    numbers = columns.numbers or range(1, len(anchors) + 1)
    count = _negatives_used([len(cell) for cell in negatives], columns, numbers, notes)
    _require_room(columns.file, anchors, positives, [others[:count] for others in negatives])
    values = [
        (anchor, positive, *others[:count])
        for anchor, texts, others in zip(anchors, positives, negatives, strict=True)
        for positive in texts or (None,)
    ]
    if all(len(texts) == 1 for texts in positives):
        where: Sequence[int] = columns.numbers
    else:
        where = [number for number, texts in zip(numbers, positives, strict=True) for _ in texts or (None,)]
    repeats = [max(1, len(texts)) for texts in positives]
    scores = _scores(columns, roles, repeats, count, notes)
    groups = [
        cell
        for name in roles.groups
        for cell, rows in zip(columns.values[name], repeats, strict=True)
        for _ in range(rows)
    ]
    return Rows(columns.file, (*PAIR, *negative_names(count)), values, where, columns.unit, scores, groups)


def _scores(columns: Columns, roles: Roles, rows: Sequence[int], negatives: int, notes: Notes) -> list[tuple[Any, ...]]:
    """What is said beside the texts of each row.

    Args:
        columns: Of the file.
        roles: Which of them hold scores.
        rows: How many rows each of the file becomes: one for each positive.
        negatives: How many of its negatives are used.
        notes: Told of a column that holds no scores.
    """
    if not roles.scores:
        return []
    own = [_listed(cell) for cell in columns.values[roles.scores[0]]]
    if not any(is_number(score) for cell in own for score in cell):
        notes.warnings.append(f"{columns.file} has a column {roles.scores[0]!r} without numbers, which is not read.")
        return []
    if roles.scores[0] != PASSAGE_SCORES[0]:
        return [tuple(cell) for cell, count in zip(own, rows, strict=True) for _ in range(count)]
    others = [_listed(cell) for cell in columns.values[roles.scores[1]]] if len(roles.scores) > 1 else [[]] * len(own)
    return [
        (*cell[place : place + 1], *rest[:negatives])
        for cell, rest, count in zip(own, others, rows, strict=True)
        for place in range(count)
    ]


def _listed(cell: Any) -> list[Any]:
    return cell if isinstance(cell, list) else [cell]


def negative_names(count: int) -> tuple[str, ...]:
    """The columns of that many negatives a row: ``negative`` alone, or ``negative_1`` and so on."""
    return ("negative",) if count == 1 else tuple(f"negative_{number}" for number in range(1, count + 1))


def with_title(record: Mapping[str, Any]) -> Any:
    """As BEIR's own models read a passage: title, a space, text."""
    title, text = record.get("title") or "", record.get("text")
    return f"{title} {text}".strip() if isinstance(title, str) and isinstance(text, str) else text


def _merged(columns: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The texts of each row, over all columns of one role."""
    if len(columns) == 1:
        return [_texts(cell) for cell in columns[0]]
    return [[text for cell in cells for text in _texts(cell)] for cells in zip(*columns, strict=True)]


def _texts(cell: Any) -> list[Any]:
    if isinstance(cell, str):
        return [cell]
    if cell is None:
        return []
    items = cell if isinstance(cell, list) else [cell]
    return [with_title(item) if isinstance(item, dict) and "text" in item else item for item in items]


def _negatives_used(counts: Sequence[int], columns: Columns, numbers: Sequence[int], notes: Notes) -> int:
    """How many every row has; any beyond that are left out, and reported."""
    least, most = min(counts, default=0), max(counts, default=0)
    if least == most:
        return least
    if least == 0:
        for number, count in zip(numbers, counts, strict=True):
            if count == 0:
                where = place(columns.file, number, columns.unit)
                message = f"{where} must have a negative, as other rows have, but got none. Add one or remove the row."
                notes.refuse(f"rows of {columns.file} without a negative", message)
        return 0
    cut = sum(counts) - least * len(counts)
    notes.warnings.append(
        f"{columns.file}: {cut} of {sum(counts)} negatives are left out, because rows have {least} to {most} and a "
        f"batch takes the same number from each: the first {least} of every row are used."
    )
    return least


def _require_room(
    file: str, anchors: Sequence[Any], positives: Sequence[Sequence[Any]], negatives: Sequence[Sequence[Any]]
) -> None:
    """Bound what the pairing makes of one row: positives x (negatives + 2) texts."""
    if all(len(texts) <= 1 for texts in positives):
        return
    packed = unpacked = 0
    for anchor, texts, others in zip(anchors, positives, negatives, strict=True):
        own, repeated = _size(texts), _size((anchor, *others))
        packed += own + repeated
        unpacked += own + repeated * len(texts)
    require_room(file, unpacked, packed)


def _size(texts: Iterable[Any]) -> int:
    return sum(CELL + len(text) for text in texts if isinstance(text, str))
