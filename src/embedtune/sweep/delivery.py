"""Bring a study's folders to the tracking store; a store that fails never stops a trial."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from embedtune import archive
from embedtune.config import Config
from embedtune.errors import TrackingError, UserError
from embedtune.paths import StudyPaths, TrialPaths, Workspace
from embedtune.study import Study
from embedtune.study.records import read_all
from embedtune.tracking import Store, deliver_checkpoints, deliver_study, deliver_trial, open_store

logger = logging.getLogger(__name__)

PAUSE = 60.0
"""Seconds between a failed attempt and the next: a store that hangs costs its time-out at most this often."""


@dataclass
class Delivery:
    """Delivers one study; whatever a failing store did not accept waits for the next attempt.

    Attributes:
        study: The study's folder.
        opening: Opens the store; None delivers nothing.
        grouped: Whether trials stand below a run of the study.
        store: None until it could be opened.
        parent: The study's run.
        waiting: Trials with something undelivered, the latest first.
        quiet_until: No attempt before this ``time.monotonic()``.
        whole: The study as workers on other hosts see it too; None for what this folder alone tells.
    """

    study: StudyPaths
    opening: Callable[[], Store] | None
    grouped: bool = True
    store: Store | None = None
    parent: str | None = None
    waiting: list[TrialPaths] = field(default_factory=list)
    quiet_until: float = 0.0
    whole: Study | None = None

    @classmethod
    def open(
        cls,
        config: Config,
        workspace: Workspace,
        study: StudyPaths,
        *,
        grouped: bool = True,
        whole: Study | None = None,
    ) -> Delivery:
        """Open the store, or go on without it and say so."""
        opening = partial(open_store, config.tracking, workspace) if config.tracking.enabled else None
        delivery = cls(study, opening, grouped, whole=whole)
        delivery._attempt(lambda store: None)
        return delivery

    def summary(self) -> None:
        """Deliver what is waiting, then the study itself and its checkpoints."""
        self._attempt(self._deliver_waiting)
        self._attempt(self._deliver_study)

    def trial(self, trial: TrialPaths) -> None:
        """Deliver one trial as far as it got, and after it those that wait."""
        if trial not in self.waiting:
            self.waiting.insert(0, trial)
        self._attempt(self._deliver_waiting)

    def _deliver_waiting(self, store: Store) -> None:
        if self.grouped and self.parent is None:
            self.parent = self._deliver_parent(store)
        for trial in list(self.waiting):
            deliver_trial(store, trial, parent_run_id=self.parent)
            self.waiting.remove(trial)

    def _deliver_study(self, store: Store) -> None:
        if self.grouped:
            self.parent = self._deliver_parent(store)
        deliver_checkpoints(store, self.study, archive.read_all(self.study))  # others' weights are not ours to judge

    def _deliver_parent(self, store: Store) -> str:
        if self.whole is None or not self.whole.shared:
            return deliver_study(store, self.study, archive.read_all(self.study))
        with self.whole.lock("tracking"):  # two hosts at once would make two runs, or every point twice
            return deliver_study(store, self.study, read_all(self.whole))

    def _attempt(self, action: Callable[[Store], None]) -> None:
        if self.opening is None or time.monotonic() < self.quiet_until:
            return
        try:
            self.store = self.store or self.opening()
            action(self.store)
        except UserError:
            raise
        except TrackingError as error:
            self._give_up_for_now(str(error))
        except Exception as error:  # of the study's database, or of the disk: what is recorded can be delivered later
            logger.debug("Not delivered", exc_info=True)
            self._give_up_for_now(f"{type(error).__name__}.")

    def _give_up_for_now(self, why: str) -> None:
        self.quiet_until = time.monotonic() + PAUSE
        logger.warning("Not delivered to tracking: %s Run `embedtune sync` later.", why)
