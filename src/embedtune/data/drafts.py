"""The output of the readers: texts as they stand in the files, with their places, not yet checked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from embedtune.records import Synthetic

PAIR = ("anchor", "positive")
"""The columns that every row has; its negatives follow."""

_LISTED = 5
_LONGEST = 1000
"""Characters of a message; what it quotes may be longer."""


@dataclass(frozen=True)
class Place:
    """Where a text, a row or a judgement stands.

    Attributes:
        file: Its file.
        number: Its line or row; None where the file has no lines that help, or its own id says it.
        unit: What ``number`` counts.
        noun: Of what ``id`` is the id: ``query``, ``passage`` or ``relevance of``; empty for a row.
        id: Of the text, or of the query of a judgement; None for a row.
    """

    file: str
    number: int | None = None
    unit: Literal["line", "row"] = "line"
    noun: str = ""
    id: str | None = None

    def __str__(self) -> str:
        """How messages name it."""
        where = self.file if self.number is None else place(self.file, self.number, self.unit)
        return where if self.id is None else f"{where} {self.noun} {self.id!r}"


class Problem(NamedTuple):
    """One thing that is wrong; ``kind`` groups those that repeat."""

    kind: str
    message: str
    place: Place | None = None


@dataclass
class Notes:
    """Notes of the readers: problems, after which nothing is built, and findings that do not prevent use."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def refuse(self, kind: str, message: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(kind, message))


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

    def place(self, text_id: str) -> Place:
        """Where a text stands."""
        return Place(self.file, self.lines.get(text_id), "line", self.noun, text_id)


@dataclass(frozen=True)
class Relevance:
    """Query id -> ids of its passages, in file order.

    Attributes:
        lines: As in :class:`Texts`, by pair.
        grades: Of pairs that are judged above 0 by another grade than 1.
    """

    file: str
    values: Mapping[str, Sequence[str]]
    lines: Mapping[tuple[str, str], int] = field(default_factory=dict)
    grades: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def place(self, query_id: str, passage_id: str) -> Place:
        """Where a judgement stands."""
        return Place(self.file, self.lines.get((query_id, passage_id)), "line", "relevance of", query_id)


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
        columns: ``anchor``, ``positive``, then ``negative`` or ``negative_1`` to ``negative_n``.
        values: One tuple a row, in the order of ``columns``.
        numbers: Where each row stands in the file, or empty where that is its number.
        unit: What ``numbers`` count: lines or rows.
        scores: Of each row, as :class:`~embedtune.records.TrainingSet` has them; empty where the file has none.
        shards: First row and name of each file, where several make one table; ``numbers`` count through all of them.
        groups: Of each row, what a column of groups says: rows of one group stay in one split; empty without one.
    """

    file: str
    columns: tuple[str, ...]
    values: Sequence[tuple[Any, ...]]
    numbers: Sequence[int] = ()
    unit: Literal["line", "row"] = "line"
    scores: Sequence[tuple[Any, ...]] = ()
    groups: Sequence[Any] = ()
    shards: Sequence[tuple[int, str]] = ()

    def place(self, row: int) -> Place:
        """Where a row stands."""
        number, unit = (self.numbers[row], self.unit) if self.numbers else (row + 1, "row")
        if not self.shards:
            return Place(self.file, number, unit)
        first, file = self.shards[bisect_right(self.shards, number, key=lambda shard: shard[0]) - 1]
        return Place(file, number - first + 1, "row")


Table = Collection | Rows


@dataclass(frozen=True)
class Draft:
    """Everything that was read.

    Attributes:
        source: Where it came from, for records.
        splits: Split -> its content.
        single: Rows that come in one piece and are still to be split.
        extra: Name -> further training sets.
        synthetic: Which queries nobody asked.
    """

    source: str
    splits: Mapping[str, Table] = field(default_factory=dict)
    single: Rows | None = None
    extra: Mapping[str, Table] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    synthetic: Synthetic | None = None

    def noted(self, notes: Notes) -> Draft:
        """The same with what was noted."""
        problems, warnings = (*self.problems, *notes.problems), (*self.warnings, *notes.warnings)
        return replace(self, problems=problems, warnings=warnings)


def place(file: str, number: int, unit: Literal["line", "row"]) -> str:
    """How a line or a row of a file is named."""
    return f"{file}:{number}" if unit == "line" else f"{file} row {number}"


def listed(items: Iterable[Any], most: int = _LISTED) -> str:
    """The first few, and how many more."""
    names = list(map(str, items))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def tell(message: str) -> str:
    """A message fit to be shown anywhere: of limited length, unprintable characters escaped."""
    if len(message) > _LONGEST:
        message = f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 2 :]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)


def summarise(problems: Iterable[Problem]) -> tuple[str, ...]:
    """The messages, each once, kinds in order of appearance; of one kind the first five and how many more."""
    kinds: dict[str, dict[str, None]] = {}
    for problem in problems:
        kinds.setdefault(tell(problem.kind), {})[tell(problem.message)] = None
    lines: list[str] = []
    for kind, messages in kinds.items():
        lines += list(messages)[:_LISTED]
        if len(messages) > _LISTED:
            lines.append(f"... and {len(messages) - _LISTED} more: {kind}.")
    return tuple(lines)
