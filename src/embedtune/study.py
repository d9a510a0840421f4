"""The Optuna study behind a search: opened, claimed from, reconciled and read."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.trial import FrozenTrial, TrialState

from embedtune.errors import StudyError
from embedtune.paths import StudyPaths
from embedtune.processes import repeating, worker_alive
from embedtune.records import State
from embedtune.storage import HEARTBEAT, Locks, open_locks, open_storage, place

REPLACED = "replaced"
"""User attribute of a trial that a retry stands in for; it does not count towards the budget."""
WORKER = "worker"
"""User attribute: who runs the trial, see :func:`embedtune.processes.worker_identity`."""
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
_ASIDE = frozenset({REPLACED, ANSWERED_BY, REFUSED})
"""Trials with one of these take no part: they use up no budget and have no place in tables."""


@dataclass(frozen=True)
class Study:
    """An open study.

    Attributes:
        optuna: The study in its storage.
        paths: Its folder.
        lock: Its locks, by name.
    """

    optuna: optuna.Study
    paths: StudyPaths
    lock: Locks

    @contextmanager
    def claiming(self) -> Iterator[None]:
        """Hold the lock that makes counting and asking one action."""
        with self.lock("claim"):
            yield

    @property
    def shared(self) -> bool:
        """Whether the storage is a database, in which workers without our folder may take part."""
        return isinstance(self.optuna._storage, BaseHeartbeat)


def open_study(
    paths: StudyPaths,
    storage: str | None = None,
    sampler: optuna.samplers.BaseSampler | None = None,
    pruner: optuna.pruners.BasePruner | None = None,
    directions: Sequence[Literal["maximize", "minimize"]] = ("maximize",),
) -> Study:
    """Open the study of a folder, or create it.

    Args:
        paths: The study's folder.
        storage: An Optuna storage URL; None takes a journal file in the folder.
        sampler: None takes Optuna's default.
        pruner: None prunes nothing.
        directions: One for each objective, ``maximize`` or ``minimize``; a study keeps those it was created with.

    Raises:
        StudyError: The storage cannot be reached.
    """
    paths.root.mkdir(parents=True, exist_ok=True)
    with _reaching(paths, storage):
        lock = open_locks(storage, paths.root, paths.name)
        with lock("claim"):  # two processes that create one database at once break it
            study = optuna.create_study(
                study_name=paths.name,
                storage=open_storage(storage, paths.storage),
                sampler=sampler,
                pruner=pruner or optuna.pruners.NopPruner(),
                directions=list(directions),
                load_if_exists=True,
            )
    return Study(study, paths, lock)


def load_study(paths: StudyPaths, storage: str | None = None) -> Study | None:
    """Open a study for reading, which leaves the storage as it is; None if it holds no such study.

    Raises:
        StudyError: The storage cannot be reached.
    """
    if storage is None and not paths.storage.is_file():
        return None
    with _reaching(paths, storage):
        try:
            study = optuna.load_study(study_name=paths.name, storage=open_storage(storage, paths.storage))
            return Study(study, paths, open_locks(storage, paths.root, paths.name))
        except KeyError:
            return None


@contextmanager
def _reaching(paths: StudyPaths, storage: str | None) -> Iterator[None]:
    """Say in our words that a storage cannot be reached, without the password its URL may hold."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    except Exception as error:  # SQLAlchemy and drivers raise classes of their own
        where = place(storage) if storage else paths.storage
        missing = " Install the extra: pip install 'embedtune[postgres]'." if isinstance(error, ImportError) else ""
        raise StudyError(
            f"study.storage must be reachable, but {where} is not ({type(error).__name__}).{missing}"
        ) from error


def claim(study: Study, n_trials: int, who: str, before: Callable[[], bool] = lambda: True) -> optuna.Trial | None:
    """Take the next trial of the budget; None once it is spent, all that is left is being run, or nothing is new.

    Args:
        study: Open.
        n_trials: The study's total.
        who: See :func:`embedtune.processes.worker_identity`.
        before: Called just before the sampler is asked, while nobody else can claim; False if nothing is left to ask.
    """
    with study.claiming():
        if left(study, n_trials) == 0 or not before():
            return None
        with warnings.catch_warnings(action="ignore"):  # heartbeats are meant for study.optimize, says Optuna
            trial = study.optuna.ask()
        trial.set_user_attr(WORKER, who)
        _beat(study, trial._trial_id)
        return trial


@contextmanager
def beating(study: Study, trial: optuna.Trial) -> Iterator[None]:
    """Show other hosts that the trial is alive while the block runs."""
    if not study.shared:
        yield
        return

    def beat() -> bool:
        with suppress(Exception):  # a database that is away for a moment: the next beat counts
            _beat(study, trial._trial_id)
        return False

    with repeating(HEARTBEAT, beat):
        yield


def left(study: Study, n_trials: int) -> int:
    """How many trials of the budget can still be claimed."""
    return max(0, n_trials - sum(counts(trial) for trial in study.optuna.get_trials(deepcopy=False)))


def counts(trial: FrozenTrial) -> bool:
    """Whether a trial uses up the budget: every one that was begun, unless it was not run or is run again."""
    return trial.state != TrialState.WAITING and takes_part(trial)


def takes_part(trial: FrozenTrial) -> bool:
    """False for a trial that a retry stands in for, and for one that was answered or refused without running."""
    return _ASIDE.isdisjoint(trial.user_attrs)


def was_run(trial: FrozenTrial) -> bool:
    """False for a trial that was answered or refused without running."""
    return {ANSWERED_BY, REFUSED}.isdisjoint(trial.user_attrs)


def requeue(study: Study, number: int) -> None:
    """End an interrupted trial and queue its configuration again, under a new number.

    Begun again after a crash, it does what is left to do: the configuration is queued once.
    """
    storage, trials = study.optuna._storage, study.optuna.get_trials(deepcopy=False)
    trial = trials[number]
    if all(other.user_attrs.get(RETRY_OF) != number for other in trials):
        kept = {key: trial.user_attrs[key] for key in (REPEAT, ORIGIN) if key in trial.user_attrs}
        # One that died before it asked for its parameters has them as it was queued.
        params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
        study.optuna.enqueue_trial(params, user_attrs={**kept, RETRY_OF: number})
    storage.set_trial_user_attr(trial._trial_id, REPLACED, True)
    study.optuna.tell(number, state=TrialState.FAIL)


def predecessors(study: Study, trial: optuna.Trial | FrozenTrial) -> list[int]:
    """The numbers of the interrupted trials that this one stands in for, the nearest first."""
    trials, found = study.optuna.get_trials(deepcopy=False), []
    before = trial.user_attrs.get(RETRY_OF)
    while before is not None:
        found.append(int(before))
        before = trials[found[-1]].user_attrs.get(RETRY_OF)
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
        silent = _silent(study)
        dead = [
            trial.number
            for trial in study.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            if not _runs(trial, silent)
        ]
        unfinished = [number for number in dead if not settle(number)]
        for number in unfinished:
            requeue(study, number)
    return unfinished


def awaited(study: Study) -> list[FrozenTrial]:
    """The running trials whose end, or whose worker's death, this host will hear of.

    Without a database that are its own: a trial of another host, such as a container that is gone, would be waited
    for forever.
    """
    running = study.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    here = socket.gethostname()
    return [own for own in running if study.shared or str(own.user_attrs.get(WORKER, "")).partition(":")[0] == here]


def states(study: Study) -> Mapping[State, int]:
    """How many trials are in each state, of those that take part."""
    trials = [trial for trial in study.optuna.get_trials(deepcopy=False) if takes_part(trial)]
    return {state: sum(trial.state.name == state.name for trial in trials) for state in State}


def replaced(study: Study) -> set[int]:
    """Numbers of the interrupted trials that a retry stands in for."""
    return {trial.number for trial in study.optuna.get_trials(deepcopy=False) if REPLACED in trial.user_attrs}


def _runs(trial: FrozenTrial, silent: set[int]) -> bool:
    worker = str(trial.user_attrs.get(WORKER, ""))
    elsewhere = worker.partition(":")[0] != socket.gethostname()
    return worker_alive(worker) and not (elsewhere and trial._trial_id in silent)


def _beat(study: Study, trial_id: int) -> None:
    storage: Any = study.optuna._storage
    if study.shared:
        storage.record_heartbeat(trial_id)


def _silent(study: Study) -> set[int]:
    """Ids of running trials that gave no sign of life for a while."""
    storage: Any = study.optuna._storage
    return set(storage._get_stale_trial_ids(study.optuna._study_id)) if study.shared else set()
