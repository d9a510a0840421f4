"""The Optuna study behind a search: opened, claimed from, reconciled and read."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock  # the contract of lock_obj, not exported
from optuna.trial import FrozenTrial, TrialState

from embedtune.errors import StudyError
from embedtune.paths import StudyPaths
from embedtune.records import State

REPLACED = "replaced"
"""User attribute of a trial that a retry stands in for; it does not count towards the budget."""
WORKER = "worker"
"""User attribute: who runs the trial, see :func:`worker_identity`."""
RETRY_OF = "retry_of"
"""User attribute of a retry: the number of the trial it stands in for."""


class _JournalLock(BaseJournalFileLock):
    """An flock, which the kernel frees when its holder dies; Optuna's own stalls everybody for 30 s then."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path)

    def acquire(self) -> bool:
        self._lock.acquire()
        return True

    def release(self) -> None:
        self._lock.release()


@dataclass(frozen=True)
class Study:
    """An open study and the lock under which trials are claimed."""

    optuna: optuna.Study
    paths: StudyPaths

    @contextmanager
    def claiming(self) -> Iterator[None]:
        """Hold the lock that makes counting and asking one action."""
        with FileLock(self.paths.claim_lock):
            yield


def open_study(
    paths: StudyPaths,
    storage: str | None = None,
    sampler: optuna.samplers.BaseSampler | None = None,
    pruner: optuna.pruners.BasePruner | None = None,
) -> Study:
    """Open the study of a folder, or create it.

    Args:
        paths: The study's folder.
        storage: An Optuna storage URL; None takes a journal file in the folder.
        sampler: None takes Optuna's default.
        pruner: None prunes nothing.

    Raises:
        StudyError: The storage cannot be reached.
    """
    paths.root.mkdir(parents=True, exist_ok=True)
    with _reaching(paths, storage):
        study = optuna.create_study(
            study_name=paths.name,
            storage=_storage(paths, storage),
            sampler=sampler,
            pruner=pruner or optuna.pruners.NopPruner(),
            direction="maximize",
            load_if_exists=True,
        )
    return Study(study, paths)


def load_study(paths: StudyPaths, storage: str | None = None) -> Study | None:
    """Open a study for reading, which leaves the storage as it is; None if it holds no such study.

    Raises:
        StudyError: The storage cannot be reached.
    """
    if storage is None and not paths.storage.is_file():
        return None
    with _reaching(paths, storage):
        try:
            return Study(optuna.load_study(study_name=paths.name, storage=_storage(paths, storage)), paths)
        except KeyError:
            return None


@contextmanager
def _reaching(paths: StudyPaths, storage: str | None) -> Iterator[None]:
    """Say in our words that a storage cannot be reached, without the password its URL may hold."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    except Exception as error:  # SQLAlchemy and drivers raise classes of their own
        place = storage.rsplit("@", 1)[-1] if storage else paths.storage
        raise StudyError(f"study.storage must be reachable, but {place} is not ({type(error).__name__}).") from error


def claim(study: Study, n_trials: int, who: str) -> optuna.Trial | None:
    """Take the next trial of the budget; None once it is spent or all that is left is being run."""
    with study.claiming():
        if left(study, n_trials) == 0:
            return None
        trial = study.optuna.ask()
        trial.set_user_attr(WORKER, who)
        return trial


def left(study: Study, n_trials: int) -> int:
    """How many trials of the budget can still be claimed."""
    return max(0, n_trials - sum(counts(trial) for trial in study.optuna.get_trials(deepcopy=False)))


def counts(trial: FrozenTrial) -> bool:
    """Whether a trial uses up the budget: every one that was begun, unless a retry stands in for it."""
    return trial.state != TrialState.WAITING and REPLACED not in trial.user_attrs


def requeue(study: Study, number: int) -> None:
    """End an interrupted trial and queue its configuration again, under a new number."""
    storage, trial = study.optuna._storage, study.optuna.get_trials(deepcopy=False)[number]
    study.optuna.enqueue_trial(dict(trial.params), user_attrs={RETRY_OF: number})
    storage.set_trial_user_attr(trial._trial_id, REPLACED, True)
    study.optuna.tell(number, state=TrialState.FAIL)


def reconcile(study: Study) -> list[int]:
    """Queue again what dead workers of this host left running; returns the numbers of those trials."""
    with study.claiming():
        dead = [
            trial.number
            for trial in study.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            if not worker_alive(str(trial.user_attrs.get(WORKER, "")))
        ]
        for number in dead:
            requeue(study, number)
    return dead


def worker_identity() -> str:
    """This process as ``host:pid:start``; the start time tells a reused pid from the same process."""
    return f"{socket.gethostname()}:{os.getpid()}:{_start_time(os.getpid())}"


def worker_alive(identity: str) -> bool:
    """Whether the process may still run: False only for one of this host that is gone, or for none."""
    host, _, rest = identity.partition(":")
    pid, _, start = rest.partition(":")
    if not pid.isdecimal():
        return False
    return host != socket.gethostname() or _start_time(int(pid)) == start != ""


def states(study: Study) -> Mapping[State, int]:
    """How many trials are in each state; interrupted ones that were queued again are left out."""
    trials = [t for t in study.optuna.get_trials(deepcopy=False) if REPLACED not in t.user_attrs]
    return {state: sum(trial.state.name == state.name for trial in trials) for state in State}


def replaced(study: Study) -> set[int]:
    """Numbers of the interrupted trials that a retry stands in for."""
    return {trial.number for trial in study.optuna.get_trials(deepcopy=False) if REPLACED in trial.user_attrs}


def _storage(paths: StudyPaths, url: str | None) -> BaseStorage:
    if url is None:
        lock = _JournalLock(paths.storage.with_suffix(".lock"))
        return JournalStorage(JournalFileBackend(str(paths.storage), lock_obj=lock))
    return RDBStorage(url)


def _start_time(pid: int) -> str:
    """Clock ticks from boot to the start of a process (field 22 of /proc/pid/stat); empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return "" if not _exists(pid) else "?"


def _exists(pid: int) -> bool:
    """For systems without /proc."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
