"""The Optuna study behind a search: opened, claimed from, reconciled and read."""

from embedtune.study.attributes import (
    ANSWERED_BY,
    ORIGIN,
    REFUSED,
    REPEAT,
    REPLACED,
    RETRY_OF,
    WORKER,
    counts,
    takes_part,
    was_run,
)
from embedtune.study.budget import beating, claim, left, states
from embedtune.study.opening import Study, load_study, open_study
from embedtune.study.recovery import awaited, predecessors, reconcile, replaced, requeue

__all__ = [
    "ANSWERED_BY",
    "ORIGIN",
    "REFUSED",
    "REPEAT",
    "REPLACED",
    "RETRY_OF",
    "WORKER",
    "Study",
    "awaited",
    "beating",
    "claim",
    "counts",
    "left",
    "load_study",
    "open_study",
    "predecessors",
    "reconcile",
    "replaced",
    "requeue",
    "states",
    "takes_part",
    "was_run",
]
