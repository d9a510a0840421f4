"""The output of the command ``data``: the task in figures, every problem and every warning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from embedtune.data.drafts import Problem, Table, summarise
from embedtune.records import RetrievalSet, TaskData
from embedtune.typed import Document


@dataclass(frozen=True)
class DataReport:
    """The result of an inspection.

    Attributes:
        task: None where there are problems.
        found: Every problem.
        warnings: What is suspicious but usable.
        splits: What was read of each split, whatever its problems.
        extra: The same of further training sets.
    """

    task: TaskData | None
    found: tuple[Problem, ...]
    warnings: tuple[str, ...]
    splits: Mapping[str, Table] = field(default_factory=dict)
    extra: Mapping[str, Table] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[str, ...]:
        """The problems in sentences, the first few of each kind."""
        return summarise(self.found)

    def to_dict(self) -> Document:
        """Plain types for JSON."""
        task = self.task
        return {
            "name": task.name if task else None,
            "source": task.source if task else None,
            "digests": dict(task.digests) if task else {},
            "splits": {name: _split_facts(data) for name, data in task.splits.items()} if task else {},
            "training": [
                {"name": training.name, "rows": len(training), "columns": list(training.columns)}
                | ({"scores": len(training.scores[0])} if training.scores else {})
                for training in (task.training if task else ())
            ],
            "problems": list(self.problems),
            "warnings": list(self.warnings),
            **({"synthetic": task.synthetic.to_dict()} if task and task.synthetic else {}),
        }


def _split_facts(data: RetrievalSet) -> Document:
    return {
        "queries": len(data.queries),
        "corpus": len(data.corpus),
        "relevant_per_query": sum(map(len, data.relevant.values())) / len(data.queries),
        "query_words": _word_counts(data.queries.values()),
        "passage_words": _word_counts(data.corpus.values()),
    }


def _word_counts(texts: Iterable[str]) -> dict[str, float]:
    counts = [len(text.split()) for text in texts]
    return {"min": min(counts), "mean": sum(counts) / len(counts), "max": max(counts)}
