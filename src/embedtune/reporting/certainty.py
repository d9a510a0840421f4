"""How far the values of a leaderboard can be trusted: an interval for each, and whether its top is a tie. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from embedtune.ranking import is_scored
from embedtune.records import Opening, RetrievalScores, opened_again
from embedtune.reporting.leaderboard import Board, Certainty, Entry
from embedtune.statistics import indistinguishable, mean_intervals

LEVEL = 0.95
RESAMPLES = 2000
"""Enough for the two or three digits that are shown; a release draws more."""
SHOWN = 8
"""Trials named in one sentence."""

_TOLERANCE = 1e-6

Scores = NDArray[np.float64]


def with_certainty(board: Board, scores: Mapping[int, RetrievalScores], openings: Sequence[Opening] = ()) -> Board:
    """The leaderboard with what its scores say about themselves.

    Each trial and each untuned model gets the 95 % bootstrap interval of its value over queries, by groups that share a
    passage; the trials that cannot be told apart from the best by the paired one-standard-error rule are tied.

    Args:
        board: Of the study.
        scores: Number -> the scores of which the value is the mean.
        openings: Of the test split.
    """
    known = {entry.number: own for entry in board.entries if (own := _values(board, entry, scores)) is not None}
    # All others must have the queries of the best trial that has scores, else of the untuned model.
    reference = next((scores[entry.number] for entry in board.entries if entry.number in known), None)
    values = {number: known[number] for number in known if reference and _same(scores[number], reference)}
    groups = reference.groups if reference else np.empty(0, dtype=np.intp)
    names = {str(number): column for number, column in values.items()}
    intervals = mean_intervals(names, groups, level=LEVEL, resamples=RESAMPLES) if names else {}
    tie = _tie(board, values, groups)

    def judged(entry: Entry) -> Entry:
        found = intervals.get(str(entry.number))
        bounds = None if found is None else (round(found.low, 4), round(found.high, 4))
        return replace(entry, interval=bounds, tied=entry.number in tie)

    return replace(
        board,
        trials=tuple(map(judged, board.trials)),
        baselines=tuple(map(judged, board.baselines)),
        certainty=Certainty(tie, len(groups) or None, len(openings)),
    )


def certainty_lines(board: Board) -> list[str]:
    """Caveats about the top of a leaderboard, in sentences."""
    certainty, lines = board.certainty, []
    if certainty is None:
        return []
    if certainty.tie:
        tie, queries = _listed(certainty.tie), certainty.queries
        lines.append(f"The top is a tie: trials {tie} cannot be told apart on {queries} queries.")
    if certainty.test_openings > 1:
        lines.append(opened_again(certainty.test_openings))
    return lines


def _values(board: Board, entry: Entry, scores: Mapping[int, RetrievalScores]) -> Scores | None:
    """The objective of each query; None where the file is gone or is not that of the recorded value."""
    found, record, objective = scores.get(entry.number), entry.record, board.definition.objective
    if found is None or record.value is None:
        return None
    values = found.per_query.get(record.dim or objective.dim, {}).get(objective.metric)
    if values is None or not len(values) or not abs(float(values.mean()) - record.value) <= _TOLERANCE:
        return None
    return values


def _same(scores: RetrievalScores, reference: RetrievalScores) -> bool:
    return scores.query_ids == reference.query_ids


def _tie(board: Board, values: Mapping[int, Scores], groups: NDArray[np.intp]) -> tuple[int, ...]:
    """The trials that cannot be told apart from the first; a front of two objectives has no first."""
    ranked = [entry.record for entry in board.trials if entry.number in values and is_scored(entry.record)]
    if board.definition.objective.second is not None or not ranked or ranked[0] is not board.trials[0].record:
        return ()
    # Where constraints rank the trials, one below may have the larger value.
    names = {str(r.number): values[r.number] for r in ranked if (r.value or 0.0) <= (ranked[0].value or 0.0)}
    tied = tuple(int(name) for name in indistinguishable(names, groups))
    return tied if len(tied) > 1 else ()


def _listed(numbers: Sequence[int]) -> str:
    shown, rest = numbers[:SHOWN], len(numbers) - SHOWN
    if rest > 0:
        return f"{', '.join(map(str, shown))} and {rest} more"
    return f"{', '.join(map(str, shown[:-1]))} and {shown[-1]}"
