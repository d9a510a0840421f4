"""Everything that the texts alone tell, of every part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from embedtune.data.drafts import Rows, Table
from embedtune.data.findings.duplicates import nearly_repeated, repeated
from embedtune.data.findings.finding import Finding, warn
from embedtune.data.findings.located import locate
from embedtune.data.findings.texts import languages, odd_texts
from embedtune.data.leaks import Leak, find_leaks, parts_of
from embedtune.data.near_duplicates import DEFAULT_THRESHOLD

QUICK = 500_000
"""Texts among which near duplicates are looked for without being asked to: a minute or two."""


def examine(splits: Mapping[str, Table], extra: Mapping[str, Table], near: float | None) -> Iterator[Finding]:
    """Findings within each part, then between them; a corpus that several splits share is read once.

    Args:
        splits: Of the data, with whatever problems they have.
        extra: Further training sets.
        near: ``data.near_duplicates``; None takes :data:`DEFAULT_THRESHOLD`.
    """
    threshold = near or DEFAULT_THRESHOLD
    small = near is not None or sum(map(_size, [*splits.values(), *extra.values()])) <= QUICK
    seen: set[int] = set()
    for name, table in {**splits, **{f"training set {name}": table for name, table in extra.items()}}.items():
        part = locate(name, table)
        whole = part if part.corpus not in seen else replace(part, passages=())
        seen.add(part.corpus)
        yield from odd_texts(whole)
        yield from repeated(whole, isinstance(table, Rows))
        if small:
            yield from nearly_repeated(whole, threshold)
        yield from languages(whole)
    yield from _leaks(list(find_leaks(parts_of(splits, extra), threshold if small else None)))
    if not small:
        message = f"Near duplicates were not looked for among more than {QUICK:,} texts: data.near_duplicates=0.9 does."
        yield Finding("near_duplicates", "warning", message)


def _size(table: Table) -> int:
    """Texts of a table; a corpus that several share counts for each."""
    if isinstance(table, Rows):
        return len(table.values) * len(table.columns)
    return len(table.queries.values) + len(table.corpus.values)


def _leaks(leaks: Sequence[Leak]) -> Iterator[Finding]:
    groups: dict[tuple[str, str, str, bool], list[Leak]] = {}
    for leak in leaks:
        groups.setdefault((leak.noun, leak.split, leak.other, leak.is_near), []).append(leak)
    for (noun, split, other, is_near), found in groups.items():
        kind = "leaked_queries" if noun == "queries" else "leaked_passages"
        nearly = "nearly " if is_near else ""
        message = f"{len(found)} {noun} of {split} are {nearly}the same in {other} (data.on_leak)"
        yield warn(f"near_{kind}" if is_near else kind, [leak.place for leak in found], message)
