"""Facts about trials that a study keeps in Optuna's user attributes, and what follows from them."""

from __future__ import annotations

from optuna.trial import FrozenTrial, TrialState

REPLACED = "replaced"
"""User attribute of a trial that a retry stands in for; it does not count towards the budget."""
WORKER = "worker"
"""User attribute: who runs the trial, see :func:`embedtune.machine.processes.worker_identity`."""
RETRY_OF = "retry_of"
"""User attribute of a retry: the number of the trial it stands in for."""
REPEAT = "repeat"
"""User attribute of a trial that is worth running: how many trials before it had the same configuration."""
ANSWERED_BY = "answered_by"
"""User attribute of a trial that was not run: the number of the trial whose record answers it."""
REFUSED = "refused"
"""User attribute of a trial that was not run: the constraint its configuration breaks."""
ORIGIN = "origin"
"""User attribute of a trial that the sampler did not choose: where its configuration comes from."""
ASIDE = frozenset({REPLACED, ANSWERED_BY, REFUSED})
"""Trials with one of these take no part: they use up no budget and have no place in tables."""


def counts(trial: FrozenTrial) -> bool:
    """Whether a trial uses up the budget: every one that was begun, unless it was not run or is run again."""
    return trial.state != TrialState.WAITING and takes_part(trial)


def takes_part(trial: FrozenTrial) -> bool:
    """False for a trial that a retry stands in for, and for one that was answered or refused without running."""
    return ASIDE.isdisjoint(trial.user_attrs)


def was_run(trial: FrozenTrial) -> bool:
    """False for a trial that was answered or refused without running."""
    return {ANSWERED_BY, REFUSED}.isdisjoint(trial.user_attrs)
