"""When a study cannot succeed. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from embedtune.records import State, TrialRecord
from embedtune.trial import INTERRUPTED

PATIENCE = 3
"""Trials that may fail for one reason before a study without any success stops."""


def common_failure(records: Iterable[TrialRecord]) -> str | None:
    """The reason if the first trials all failed for it and none has succeeded; None otherwise."""
    reasons = []
    for record in records:
        if record.state == State.RUNNING or str(record.reason or "").startswith(INTERRUPTED):
            continue
        if record.state != State.FAIL:
            return None  # and no more of them is read
        reasons.append(str(record.reason))
    return reasons[0] if len(reasons) >= PATIENCE and len(set(reasons)) == 1 else None
