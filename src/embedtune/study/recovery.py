"""Interrupted trials: found, queued again, and linked to their replacements."""

from __future__ import annotations

import socket
from collections.abc import Callable

import optuna
from optuna.trial import FrozenTrial, TrialState

from embedtune.machine.processes import worker_alive, worker_identity
from embedtune.study.attributes import ORIGIN, REPEAT, REPLACED, RETRY_OF, WORKER
from embedtune.study.opening import Study
from embedtune.study.storage.optuna_private import queued_params


def requeue(study: Study, number: int) -> None:
    """End an interrupted trial and queue its configuration again, under a new number.

    Begun again after a crash, it does what is left to do: the configuration is queued once.
    """
    trials = study.trials()
    trial = trials[number]
    if all(other.user_attrs.get(RETRY_OF) != number for other in trials):
        kept = {key: trial.user_attrs[key] for key in (REPEAT, ORIGIN) if key in trial.user_attrs}
        # One that died before it asked for its parameters has them as it was queued.
        params = {**queued_params(trial), **trial.params}
        study.optuna.enqueue_trial(params, user_attrs={**kept, RETRY_OF: number})
    study.note(number, REPLACED, True)
    study.optuna.tell(number, state=TrialState.FAIL)


def predecessors(study: Study, trial: optuna.Trial | FrozenTrial) -> list[int]:
    """The numbers of the interrupted trials that this one stands in for, the nearest first."""
    found: list[int] = []
    while (before := trial.user_attrs.get(RETRY_OF)) is not None:
        found.append(int(before))
        trial = study.trial(found[-1])
    return found


def reconcile(study: Study, settle: Callable[[int], bool] = lambda _: False) -> list[int]:
    """Queue again what dead workers left running; returns the numbers of those trials.

    A worker of this host is dead when its process is gone, one of another host when its trial gave no sign of life
    for a while; without a database another host gives none, and its trials are left alone.

    Args:
        study: Open.
        settle: Tells Optuna how a trial ended whose worker died before it could; False if it had not ended.
    """
    with study.claiming():
        silent = study.silent()
        dead = [trial.number for trial in study.trials(TrialState.RUNNING) if not _runs(trial, silent)]
        unfinished = [number for number in dead if not settle(number)]
        for number in unfinished:
            requeue(study, number)
    return unfinished


def awaited(study: Study) -> list[FrozenTrial]:
    """The running trials whose end, or whose worker's death, this host can observe.

    Without a database that are its own: a trial of another host, such as a container that is gone, would be waited
    for forever. So would one that a damaged storage says is run by this process, which waits.
    """
    here, own = socket.gethostname(), worker_identity()
    running = [(trial, str(trial.user_attrs.get(WORKER, ""))) for trial in study.trials(TrialState.RUNNING)]
    return [t for t, worker in running if worker != own and (study.shared or worker.partition(":")[0] == here)]


def replaced(study: Study) -> set[int]:
    """Numbers of the interrupted trials that a retry stands in for."""
    return {trial.number for trial in study.trials() if REPLACED in trial.user_attrs}


def _runs(trial: FrozenTrial, silent: set[int]) -> bool:
    worker = str(trial.user_attrs.get(WORKER, ""))
    elsewhere = worker.partition(":")[0] != socket.gethostname()
    return worker_alive(worker) and not (elsewhere and trial.number in silent)
