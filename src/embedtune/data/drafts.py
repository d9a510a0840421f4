"""What the readers hand over: texts as they stand in the files, with their places, not yet checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

COLUMNS = ("anchor", "positive", "negative")
"""Roles of the columns of a training set, in the order the loss reads them; the last one is optional."""

_LISTED = 5


class Problem(NamedTuple):
    """One thing that is wrong; ``kind`` groups those that repeat."""

    kind: str
    message: str


@dataclass(frozen=True)
class Texts:
    """Id -> text of the queries or the passages of one file.

    Attributes:
        noun: ``query`` or ``passage``.
        lines: Id -> line, for files where that helps.
    """

    file: str
    noun: str
    values: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)

    def place(self, text_id: str) -> str:
        """Where a text stands."""
        line = self.lines.get(text_id)
        return f"{self.file}{'' if line is None else f':{line}'} {self.noun} {text_id!r}"


@dataclass(frozen=True)
class Relevance:
    """Query id -> ids of its passages, in file order; ``lines`` as in :class:`Texts`, by pair."""

    file: str
    values: Mapping[str, Sequence[str]]
    lines: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def place(self, query_id: str, passage_id: str) -> str:
        """Where a judgement stands."""
        line = self.lines.get((query_id, passage_id))
        return f"{self.file}{'' if line is None else f':{line}'} relevance of {query_id!r}"


@dataclass(frozen=True)
class Collection:
    """Queries, passages and relevance with ids of their own."""

    queries: Texts
    corpus: Texts
    relevance: Relevance


@dataclass(frozen=True)
class Rows:
    """Rows of texts.

    Attributes:
        columns: Roles, see ``COLUMNS``.
        values: One tuple a row, in the order of ``columns``.
        lines: Line of each row, or empty where lines mean nothing.
        ignored: Columns of the file that are not read.
    """

    file: str
    columns: tuple[str, ...]
    values: Sequence[tuple[Any, ...]]
    lines: Sequence[int] = ()
    ignored: tuple[str, ...] = ()

    def place(self, row: int) -> str:
        """Where a row stands: its line, or its number where lines mean nothing."""
        return f"{self.file}:{self.lines[row]}" if self.lines else f"{self.file} row {row + 1}"


Table = Collection | Rows


@dataclass(frozen=True)
class Draft:
    """Everything that was read.

    Attributes:
        source: Where it came from, for records.
        splits: Split -> its content.
        single: Rows that come in one piece and are still to be split.
        extra: Name -> further training sets.
    """

    source: str
    splits: Mapping[str, Table] = field(default_factory=dict)
    single: Rows | None = None
    extra: Mapping[str, Table] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def summarise(problems: Iterable[Problem]) -> tuple[str, ...]:
    """The messages, each once, kinds in order of appearance; of one kind the first five and how many more."""
    kinds: dict[str, dict[str, None]] = {}
    for problem in problems:
        kinds.setdefault(problem.kind, {})[problem.message] = None
    lines: list[str] = []
    for kind, messages in kinds.items():
        lines += list(messages)[:_LISTED]
        if len(messages) > _LISTED:
            lines.append(f"... and {len(messages) - _LISTED} more: {kind}.")
    return tuple(lines)
