"""The retrieval task as it was read, and what models scored on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from embedtune.typed import Document

Metrics = Mapping[str, Mapping[str, float]]
"""Means over queries: dimension as text -> metric name such as ``cosine_map@100`` -> value."""

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class RetrievalSet:
    """Queries, the passages they are searched in, and which passages answer which query.

    Attributes:
        queries: Query id -> text; every query has at least one relevant passage.
        corpus: Passage id -> text.
        relevant: Query id -> ids of the passages that answer it.
        grades: Query id -> passage id -> grade above 0, of all that is judged for a query of which not every judgement
            is 1; only gains read them. A passage graded below the threshold of relevance stands here alone.
        own: Ids of queries whose own passage, the one of the same id, is no part of their ranking.
    """

    queries: Mapping[str, str]
    corpus: Mapping[str, str]
    relevant: Mapping[str, frozenset[str]]
    grades: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    own: frozenset[str] = frozenset()


RELATED = 0.5
"""A pair whose label is below this does not belong together."""


@dataclass(frozen=True)
class TrainingSet:
    """Rows of texts in the order the loss reads them.

    Attributes:
        name: Of the set.
        columns: ``anchor``, ``positive``, then ``negative`` or ``negative_1`` to ``negative_n``; equally long.
        scores: For each row one number, the label of its pair or the margin to its negative, or one for each passage;
            empty where the data has none.
        prompts: ``query`` and ``document`` -> what is put before its texts in place of the model's own prompts; only
            those that differ.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    scores: tuple[tuple[float, ...], ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def select(self, rows: Sequence[int]) -> TrainingSet:
        """Those rows, in that order."""
        columns = {name: tuple(texts[row] for row in rows) for name, texts in self.columns.items()}
        scores = tuple(self.scores[row] for row in rows) if self.scores else ()
        return replace(self, columns=columns, scores=scores)


@dataclass(frozen=True)
class Synthetic:
    """Queries that nobody asked.

    Attributes:
        method: How they were made: ``ask``, a model was, or ``extract``, from the passages alone.
        model: The model that was asked; None without one.
        splits: Of which these are the queries.
    """

    method: str
    model: str | None
    splits: tuple[str, ...] = ()

    def to_dict(self) -> Document:
        """Plain types for JSON."""
        return {"method": self.method, "model": self.model, "splits": list(self.splits)}

    @property
    def sentence(self) -> str:
        """What is said wherever scores on them are."""
        how = f"asked of {self.model}" if self.model else "extracted from the passages"
        *others, last = self.splits or ("none",)
        named = f"{', '.join(others)} and {last}" if others else last
        return f"The queries of {named} are synthetic ({how}): scores on them say little of what people will ask."


@dataclass(frozen=True)
class TaskData:
    """A retrieval task, read and checked.

    Attributes:
        name: Short name for tables and records.
        source: Where it came from: a path, or what it was built from.
        training: Sets to train on; several are visited in turn.
        splits: ``train``, ``validation`` and ``test`` as far as the data has them.
        digests: Split -> sha256 of its texts and relevance, independent of file format and order.
        warnings: What is suspicious in it, in sentences.
        synthetic: Which queries nobody asked; None where people did, as far as is known.
    """

    name: str
    source: str
    training: tuple[TrainingSet, ...]
    splits: Mapping[str, RetrievalSet]
    digests: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    synthetic: Synthetic | None = None


@dataclass(frozen=True)
class RetrievalScores:
    """Scores of one evaluation, kept per query so that models can be compared in pairs.

    Attributes:
        query_ids: The queries scored, in order.
        per_query: Dimension -> metric name -> float64 array of shape (queries,).
        group_of: The group of each query, by number: queries that share a passage are not independent. Empty where
            that is not known.
    """

    query_ids: tuple[str, ...]
    per_query: Mapping[int, Mapping[str, NDArray[np.float64]]]
    group_of: tuple[int, ...] = ()

    @property
    def groups(self) -> NDArray[np.intp]:
        """The group of each query, of shape (queries,); each query is its own where groups are not known."""
        import numpy as np  # not above: every command would wait for it

        return np.array(self.group_of or range(len(self.query_ids)), dtype=np.intp)

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Means over queries, by dimension (as text, largest first) and metric name."""
        return {
            str(dim): {name: float(values.mean()) for name, values in scores.items()}
            for dim, scores in self.per_query.items()
        }


@dataclass(frozen=True)
class Opening:
    """One reading of the sealed test split.

    Attributes:
        time: Seconds since the epoch.
        reason: What it was read for.
        command: What was typed, without secrets.
    """

    time: int
    reason: str
    command: str = ""


def opened_again(count: int) -> str:
    """The sentence beside results whose test split was read more than once."""
    return (
        f"The test split was read {count} times to judge this study: what is chosen after the first time is no longer "
        "blind to it."
    )
