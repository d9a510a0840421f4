"""A study in its storage, opened or created."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import optuna
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import FrozenTrial, TrialState

from embedtune.config.redaction import redact_url
from embedtune.errors import EmbedtuneError, StudyError
from embedtune.paths import StudyPaths
from embedtune.study.own import require_own_folders
from embedtune.study.storage import Locks, open_locks, open_storage, persistently
from embedtune.study.storage.optuna_private import silent_trials


@dataclass(frozen=True)
class Study:
    """An open study.

    Attributes:
        optuna: The study in its storage.
        storage: What ``optuna`` keeps it in; a database without the cache that Optuna puts before it.
        paths: Its folder.
        lock: Its locks, by name.
    """

    optuna: optuna.Study
    storage: BaseStorage
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
        return persistently(lambda: self.storage.get_trial(self.trial_id(number)))

    def trial_id(self, number: int) -> int:
        """The storage's identifier of a trial."""
        return self.storage.get_trial_id_from_study_id_trial_number(self._id, number)

    def note(self, number: int, key: str, value: object) -> None:
        """Set a user attribute of a trial, which the storage takes only while the trial runs."""
        self.storage.set_trial_user_attr(self.trial_id(number), key, value)

    @property
    def shared(self) -> bool:
        """Whether the storage is a database, in which workers without our folder may take part."""
        return isinstance(self.storage, RDBStorage)

    def beat(self, number: int) -> None:
        """Signal to other hosts that a trial is alive."""
        if isinstance(self.storage, RDBStorage):
            self.storage.record_heartbeat(self.trial_id(number))

    def silent(self) -> set[int]:
        """Numbers of the running trials without a recent heartbeat; none without a database."""
        return silent_trials(self.storage, self._id) if isinstance(self.storage, RDBStorage) else set()

    @cached_property
    def _id(self) -> int:
        return self.storage.get_study_id_from_name(self.optuna.study_name)


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
        RecordError: A folder of the study is a link.
        StudyError: The storage cannot be reached.
    """
    require_own_folders(paths)
    paths.root.mkdir(parents=True, exist_ok=True)
    with _reaching(paths, storage):
        lock = open_locks(storage, paths.root, paths.name)
        with open_locks(storage, paths.root, "")("create"):  # two studies that create one database at once break it
            opened = open_storage(storage, paths.storage)
            study = optuna.create_study(
                study_name=paths.name,
                storage=opened,
                sampler=sampler,
                pruner=pruner or optuna.pruners.NopPruner(),
                directions=list(directions),
                load_if_exists=True,
            )
    return Study(study, opened, paths, lock)


def load_study(paths: StudyPaths, storage: str | None = None) -> Study | None:
    """Open a study for reading, which leaves the storage as it is; None if it holds no such study.

    Raises:
        StudyError: The storage cannot be reached.
    """
    if storage is None and not os.path.lexists(paths.storage):
        return None
    with _reaching(paths, storage):
        try:
            opened = open_storage(storage, paths.storage)
            study = optuna.load_study(study_name=paths.name, storage=opened)
            return Study(study, opened, paths, open_locks(storage, paths.root, paths.name))
        except KeyError:
            return None


@contextmanager
def _reaching(paths: StudyPaths, storage: str | None) -> Iterator[None]:
    """Report in our own words that a storage cannot be reached, without the password its URL may hold."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    except EmbedtuneError:
        raise
    except Exception as error:  # SQLAlchemy and drivers raise classes of their own
        where = redact_url(storage) if storage else paths.storage
        missing = " Install the extra: pip install 'embedtune[postgres]'." if isinstance(error, ImportError) else ""
        raise StudyError(
            f"study.storage must be reachable, but {where} is not ({type(error).__name__}).{missing}"
        ) from error
