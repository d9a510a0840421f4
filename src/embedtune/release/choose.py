"""Which trial is released. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from embedtune.errors import ConfigError
from embedtune.records import TrialRecord


def choose_trial(records: Sequence[TrialRecord], number: int | None) -> TrialRecord:
    """The trial asked for, or the best by validation that keeps its weights.

    Args:
        records: The study's trials.
        number: ``release.trial``.

    Raises:
        ConfigError: There is no such trial, or it keeps no weights.
    """
    kept = [record for record in records if record.checkpoint is not None and record.value is not None]
    names = ", ".join(str(record.number) for record in kept) or "none"
    if number is not None:
        chosen = [record for record in kept if record.number == number]
        if not chosen:
            raise ConfigError(
                f"release.trial must be a trial that keeps its weights, but got {number}. There are: {names}."
            )
        return chosen[0]
    if not kept:
        raise ConfigError("study must have a trial that keeps its weights, but it has none. Run the study first.")
    return max(kept, key=lambda record: (record.value or 0.0, -record.number))
