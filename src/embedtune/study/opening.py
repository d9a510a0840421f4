"""A study in its storage, opened or created."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import optuna
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.trial import FrozenTrial, TrialState

from embedtune.errors import StudyError
from embedtune.paths import StudyPaths
from embedtune.study.storage import Locks, open_locks, open_storage, persistently, place


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

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """The trials in these states, or all; they are the storage's own, not to be changed."""
        return persistently(lambda: self.optuna.get_trials(deepcopy=False, states=states or None))

    def trial(self, number: int) -> FrozenTrial:
        """One trial; cheaper than all."""
        storage, study = self.optuna._storage, self.optuna._study_id
        return persistently(lambda: storage.get_trial(storage.get_trial_id_from_study_id_trial_number(study, number)))

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
        with open_locks(storage, paths.root, "")("create"):  # two studies that create one database at once break it
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
