"""Scores of a cross-encoder for the passages of each row (Hofstätter et al., 2020)."""

from __future__ import annotations

from collections.abc import Sequence

from sentence_transformers import CrossEncoder

from embedtune.records import TrainingSet


def teacher_scores(
    teacher: CrossEncoder, training: Sequence[TrainingSet], batch_size: int
) -> list[list[tuple[float, ...]]]:
    """For each set and row the score of every passage, in the order of the columns; each pair is scored once."""
    found = []
    for part in training:
        anchors, *passages = part.columns.values()
        pairs = dict.fromkeys(pair for texts in passages for pair in zip(anchors, texts, strict=True))
        scores = teacher.predict(list(pairs), batch_size=batch_size, show_progress_bar=False)
        score_of = dict(zip(pairs, map(float, scores), strict=True))
        columns = [[score_of[pair] for pair in zip(anchors, texts, strict=True)] for texts in passages]
        found.append(list(zip(*columns, strict=True)))
    return found
