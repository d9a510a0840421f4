"""How far the values of a leaderboard can be trusted: an interval for each, and whether its top is a tie. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedtune.records import Opening, RetrievalScores, opened_again
from embedtune.statistics import indistinguishable, mean_intervals

LEVEL = 0.95
RESAMPLES = 2000
"""Enough for the two or three digits that are shown; a release draws more."""
SHOWN = 8
"""Trials named in one sentence."""

_TOLERANCE = 1e-6

Scores = NDArray[np.float64]


def with_certainty(
    board: Mapping[str, Any], scores: Mapping[int, RetrievalScores], openings: Sequence[Opening] = ()
) -> dict[str, Any]:
    """The leaderboard with what its scores say about themselves.

    Adds to each trial, and to the baseline, ``interval``, the 95 % bootstrap interval of its value over queries, by
    groups that share a passage; and ``tied``, whether it cannot be told apart from the best by the paired
    one-standard-error rule. Adds ``tie``, the numbers of those, best first and empty unless there are several;
    ``queries``, how many there are; and ``test_openings``, how often the test split was read.

    Args:
        board: From :func:`embedtune.reporting.leaderboard.leaderboard`.
        scores: Trial number, -1 for the baseline -> the scores of which the value is the mean.
        openings: Of the test split.
    """
    entries = [*board["trials"], *([board["baseline"]] if board["baseline"] else [])]
    known = {entry["number"]: own for entry in entries if (own := _values(board, entry, scores)) is not None}
    reference = _reference(board, scores, known)
    values = {number: known[number] for number in known if reference and _same(scores[number], reference)}
    groups = reference.groups if reference else np.empty(0, dtype=np.intp)
    names = {str(number): column for number, column in values.items()}
    intervals = mean_intervals(names, groups, level=LEVEL, resamples=RESAMPLES) if names else {}
    tie = _tie(board, values, groups)

    def judged(entry: Mapping[str, Any]) -> dict[str, Any]:
        found = intervals.get(str(entry["number"]))
        bounds = None if found is None else [round(found.low, 4), round(found.high, 4)]
        return {**entry, "interval": bounds, "tied": entry["number"] in tie}

    return {
        **board,
        "trials": [judged(entry) for entry in board["trials"]],
        "baseline": judged(board["baseline"]) if board["baseline"] else None,
        "tie": tie,
        "queries": len(groups) or None,
        "test_openings": len(openings),
    }


def certainty_lines(board: Mapping[str, Any]) -> list[str]:
    """What to know before the top of a leaderboard is believed, in sentences."""
    lines = []
    if board["tie"]:
        lines.append(
            f"The top is a tie: trials {_listed(board['tie'])} cannot be told apart on {board['queries']} queries."
        )
    if board["test_openings"] > 1:
        lines.append(opened_again(board["test_openings"]))
    return lines


def _values(board: Mapping[str, Any], entry: Mapping[str, Any], scores: Mapping[int, RetrievalScores]) -> Scores | None:
    """The objective of each query; None where the file is gone or is not that of the recorded value."""
    found = scores.get(entry["number"])
    if found is None or entry["value"] is None:
        return None
    # With eval.dim searched every trial is judged at its own size.
    dim = board["dim"] if "objectives" not in board or board["objectives"][0]["dim"] else int(entry["values"][1])
    values = found.per_query.get(dim, {}).get(board["objective"])
    if values is None or not len(values) or abs(float(values.mean()) - entry["value"]) > _TOLERANCE:
        return None
    return values


def _reference(
    board: Mapping[str, Any], scores: Mapping[int, RetrievalScores], known: Mapping[int, Scores]
) -> RetrievalScores | None:
    """The scores whose queries all others must have: of the best trial that has any, else of the baseline."""
    numbers = [entry["number"] for entry in board["trials"]] + [-1]
    return next((scores[number] for number in numbers if number in known), None)


def _same(scores: RetrievalScores, reference: RetrievalScores) -> bool:
    return scores.query_ids == reference.query_ids


def _tie(board: Mapping[str, Any], values: Mapping[int, Scores], groups: NDArray[np.intp]) -> list[int]:
    """The trials that cannot be told apart from the first; a front of two objectives has no first."""
    ranked = [entry for entry in board["trials"] if entry["number"] in values and entry["state"] in _ENDED]
    if "objectives" in board or not ranked or ranked[0] is not board["trials"][0]:
        return []
    # Where constraints rank the trials, one below may have the larger value.
    names = {str(e["number"]): values[e["number"]] for e in ranked if e["value"] <= ranked[0]["value"]}
    tied = [int(name) for name in indistinguishable(names, groups)]
    return tied if len(tied) > 1 else []


_ENDED = ("complete", "pruned")


def _listed(numbers: Sequence[int]) -> str:
    shown, rest = numbers[:SHOWN], len(numbers) - SHOWN
    if rest > 0:
        return f"{', '.join(map(str, shown))} and {rest} more"
    return f"{', '.join(map(str, shown[:-1]))} and {shown[-1]}"
