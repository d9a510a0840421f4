"""When a study cannot succeed. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from embedtune.records import State, TrialRecord
from embedtune.trial import INTERRUPTED

PATIENCE = 3
"""Trials that may fail for one reason before a study without any success stops."""


def common_failure(records: Iterable[TrialRecord]) -> str | None:
    """The reason if the first trials all failed for it and none has succeeded; None otherwise."""
    ended = [
        record
        for record in records
        if record.state != State.RUNNING and not str(record.reason or "").startswith(INTERRUPTED)
    ]
    reasons = {record.reason for record in ended}
    failed = len(ended) >= PATIENCE and all(record.state == State.FAIL for record in ended)
    return str(ended[0].reason) if failed and len(reasons) == 1 else None
