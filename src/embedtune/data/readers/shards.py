"""Several files that make one table: ``train-00000-of-00002.parquet`` and its like, as the hub stores a split."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from embedtune.data.drafts import Notes, Rows, listed

_SHARD = re.compile(r"(?P<name>.+)-(?P<number>\d{5})-of-(?P<total>\d{5})(?P<rest>\..*)?")


def stem_of(name: str) -> str:
    """The name of a table by that of a file: without its number, where it is a shard, and without its ending."""
    match = _SHARD.fullmatch(name)
    return match["name"] if match else name.partition(".")[0]


def is_shard(name: str) -> bool:
    """Whether a file is one of several."""
    return _SHARD.fullmatch(name) is not None


def whole(files: Iterable[Path], notes: Notes) -> tuple[Path, ...]:
    """Shards of one table in their order; empty after noting that some are missing."""
    found = {int(match["number"]): file for file in files if (match := _SHARD.fullmatch(file.name))}
    first = next(iter(found.values()))
    match = _SHARD.fullmatch(first.name)
    total = int(match["total"]) if match else 0
    missing = [number for number in range(total) if number not in found]
    if missing or len(found) != total:
        message = (
            f"{first.parent / stem_of(first.name)}-*-of-{total:05d} must be {total} files, but got {len(found)}; of"
        )
        notes.refuse("files", f"{message} number {listed(missing) or 'none'} there is none. Add what is missing.")
        return ()
    return tuple(found[number] for number in sorted(found))


def joined(parts: Sequence[Rows], name: str, notes: Notes) -> Rows | None:
    """Rows of several files as one table, or None after noting that their columns differ."""
    columns = {part.columns for part in parts}
    if len(columns) > 1 or len({bool(part.scores) for part in parts}) > 1:
        said = listed(f"{part.file} with {', '.join(part.columns)}" for part in parts)
        notes.refuse("columns", f"{name} must have the same columns in all its files, but got {said}. Write them anew.")
        return None
    starts = [1]
    for part in parts:
        starts.append(starts[-1] + len(part.values))
    return replace(
        parts[0],
        file=name,
        values=[row for part in parts for row in part.values],
        numbers=(),
        unit="row",
        scores=[row for part in parts for row in part.scores],
        groups=[group for part in parts for group in part.groups],
        shards=tuple(zip(starts[:-1], (part.file for part in parts), strict=True)),
    )
