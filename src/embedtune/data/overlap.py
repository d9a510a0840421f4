"""Suspicious but usable data: leakage between splits, and equal texts that count against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations

from embedtune.records import RetrievalSet, TaskData

_EXAMPLE = 80


def find_overlaps(task: TaskData) -> Iterator[str]:
    """A warning for each kind of overlap, with how many texts it concerns and an example."""
    yield from find_repeats(task)
    for training in task.training:
        yield from _shared_positives(training.name, training.columns["positive"])
        yield from _answers_as_negatives(training.name, training.columns)
    yield from find_shared(task)


def find_repeats(task: TaskData) -> Iterator[str]:
    """A warning for each split whose corpus has equal passages."""
    for name, data in task.splits.items():
        yield from _equal_passages(name, data)


def _equal_passages(name: str, data: RetrievalSet) -> Iterator[str]:
    counts = Counter(data.corpus.values())
    repeated = [text for text, count in counts.items() if count > 1]
    if repeated:
        spare = len(data.corpus) - len(counts)
        yield (
            f"{name}: {spare} of {len(data.corpus)} passages repeat the text of another, e.g. {shown(repeated[0])}. "
            "Where only one of them is relevant, finding the other counts as wrong."
        )


def _shared_positives(name: str, positives: tuple[str, ...]) -> Iterator[str]:
    counts = Counter(positives)
    sharing = sum(count for count in counts.values() if count > 1)
    most = max(counts.values(), default=0)
    if sharing:
        yield (
            f"training set {name}: {sharing} of {len(positives)} rows share their positive with another row. In one "
            "batch it would count as a negative of the other; train.batch_sampler=no_duplicates keeps them apart, in "
            f"batches of at most {len(counts)} rows: one positive is in {most} rows, so an epoch has that many batches."
        )


def _answers_as_negatives(name: str, columns: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Negatives that another row, or the same, gives as the answer to their query."""
    negatives = [texts for column, texts in columns.items() if column.startswith("negative")]
    if not negatives:
        return
    answers: dict[str, set[str]] = {}
    for anchor, positive in zip(columns["anchor"], columns["positive"], strict=True):
        answers.setdefault(anchor, set()).add(positive)
    wrong = [
        text
        for texts in negatives
        for anchor, text in zip(columns["anchor"], texts, strict=True)
        if text in answers[anchor]
    ]
    if wrong:
        yield (
            f"training set {name}: {len(wrong)} negatives are positives of the same anchor, e.g. {shown(wrong[0])}. "
            "The loss pushes away what answers the query; remove them."
        )


def find_shared(task: TaskData) -> Iterator[str]:
    """A warning for each two splits that share a query or an answer; passages that answer nothing may be in both."""
    queries = {name: set(data.queries.values()) for name, data in task.splits.items()}
    answers = {name: _answers(data) for name, data in task.splits.items()}
    if task.training:
        queries["train"] = {text for training in task.training for text in training.columns["anchor"]}
        answers["train"] = {text for training in task.training for text in training.columns["positive"]}
    for noun, texts in (("queries", queries), ("relevant passages", answers)):
        for one, other in combinations(sorted(texts, key=("train", "validation", "test").index), 2):
            common = sorted(texts[one] & texts[other])
            if common:
                yield f"{len(common)} {noun} are both in {one} and in {other}, e.g. {shown(common[0])}."


def _answers(data: RetrievalSet) -> set[str]:
    return {data.corpus[passage] for passages in data.relevant.values() for passage in passages}


def shown(text: str) -> str:
    """A text between quotes, cut where it is long."""
    return repr(text if len(text) <= _EXAMPLE else text[: _EXAMPLE - 3] + "...")
