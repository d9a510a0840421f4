"""How long a study will still take. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TOO_EARLY = 0.05
"""Share of a trial below which it says nothing about its own length."""


@dataclass(frozen=True)
class Under:
    """A trial under way.

    Attributes:
        seconds: Since it began.
        share: Of its steps that are done, from 0 to 1.
    """

    seconds: float
    share: float


def seconds_left(ended: Sequence[float], running: Sequence[Under], waiting: int) -> float | None:
    """Seconds until the last trial ends, if workers and trials stay as they are; None as long as nothing tells.

    Args:
        ended: Seconds that trials took, pruned ones too.
        running: One for each worker that is busy.
        waiting: Trials that have not begun.
    """
    foreseen = [own.seconds / own.share for own in running if own.share > TOO_EARLY]
    lengths = ended or foreseen
    if not lengths:
        return None
    usual = sum(lengths) / len(lengths)
    rest = [own.seconds / own.share - own.seconds if own.share > TOO_EARLY else usual for own in running]
    spread = (sum(rest) + waiting * usual) / max(1, len(running))
    return max([spread, *rest])
