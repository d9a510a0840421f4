"""How many false negatives a batch can be expected to hold, at each size. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from embedtune.records import TrainingSet


def conflicts(training: TrainingSet) -> int:
    """Ordered pairs of different rows in which the positive of the second answers the anchor of the first.

    It does where it is equal to a positive that any row gives to that anchor.
    """
    anchors, positives = training.columns["anchor"], training.columns["positive"]
    rows_of_positive = Counter(positives)
    answers: dict[str, set[str]] = {}
    for anchor, positive in zip(anchors, positives, strict=True):
        answers.setdefault(anchor, set()).add(positive)
    return sum(sum(rows_of_positive[text] for text in answers[anchor]) - 1 for anchor in anchors)


def expected_false_negatives(training: TrainingSet, batch_sizes: Sequence[int]) -> Mapping[int, float]:
    """Batch size -> in-batch negatives that are answers, expected in a batch drawn at random.

    A batch of B of N rows has B (B - 1) ordered pairs, each as likely a conflict as any of the N (N - 1).
    """
    rows = len(training)
    share = conflicts(training) / (rows * (rows - 1)) if rows > 1 else 0.0
    return {size: size * (size - 1) * share for size in batch_sizes if size <= rows}
