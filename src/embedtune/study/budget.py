"""The trials of a study's total: claimed one by one, shown to be alive, counted."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import optuna
from optuna.trial import TrialState

from embedtune.machine.processes import repeating
from embedtune.records import State
from embedtune.study.attributes import WORKER, counts, takes_part
from embedtune.study.opening import Study
from embedtune.study.recovery import requeue
from embedtune.study.storage import HEARTBEAT


def claim(study: Study, n_trials: int, who: str, before: Callable[[], None] = lambda: None) -> optuna.Trial | None:
    """Take the next trial of the budget; None once it is spent or all remaining trials are running.

    Args:
        study: Open.
        n_trials: The study's total.
        who: See :func:`embedtune.machine.processes.worker_identity`.
        before: Called just before the sampler is asked, while nobody else can claim.
    """
    with study.claiming():
        _drop_lost_claims(study, who)
        if left(study, n_trials) == 0:
            return None
        before()
        with warnings.catch_warnings(action="ignore"):  # heartbeats are meant for study.optimize, says Optuna
            trial = study.optuna.ask()
        study.beat(trial.number)  # first: one with a worker and no sign of life would be waited for, for ever
        trial.set_user_attr(WORKER, who)
        return trial


def _drop_lost_claims(study: Study, who: str) -> None:
    """Requeue what this worker claimed unknowingly when the database failed: a worker that asks runs no trial."""
    for trial in study.trials(TrialState.RUNNING) if study.shared else ():
        if trial.user_attrs.get(WORKER) == who:
            requeue(study, trial.number)


@contextmanager
def beating(study: Study, trial: optuna.Trial) -> Iterator[None]:
    """Signal to other hosts that the trial is alive while the block runs."""
    if not study.shared:
        yield
        return

    def beat() -> bool:
        with suppress(Exception):  # a database that is away for a moment: the next beat counts
            study.beat(trial.number)
        return False

    with repeating(HEARTBEAT, beat):
        yield


def left(study: Study, n_trials: int) -> int:
    """How many trials of the budget can still be claimed."""
    return max(0, n_trials - sum(counts(trial) for trial in study.trials()))


def states(study: Study) -> Mapping[State, int]:
    """How many trials are in each state, of those that take part."""
    trials = [trial for trial in study.trials() if takes_part(trial)]
    return {state: sum(trial.state.name == state.name for trial in trials) for state in State}
