"""Bring a study's folders to the tracking store; a store that fails never stops a trial."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from embedtune import archive
from embedtune.config import Config
from embedtune.errors import TrackingError
from embedtune.paths import StudyPaths, TrialPaths, Workspace
from embedtune.tracking import Store, deliver_study, deliver_trial, open_store

logger = logging.getLogger(__name__)


@dataclass
class Delivery:
    """Delivers one study; after a failure it waits for the next trial's end before trying again.

    Attributes:
        study: The study's folder.
        store: None delivers nothing.
        grouped: Whether trials stand below a run of the study.
    """

    study: StudyPaths
    store: Store | None
    grouped: bool = True
    parent: str | None = None
    failed: list[TrialPaths] = field(default_factory=list)

    @classmethod
    def open(cls, config: Config, workspace: Workspace, study: StudyPaths, *, grouped: bool = True) -> Delivery:
        """Open the store, or go on without it and say so."""
        if not config.tracking.enabled:
            return cls(study, None, grouped)
        try:
            return cls(study, open_store(config.tracking, workspace), grouped)
        except TrackingError as error:
            logger.warning("Not tracked for now: %s Run `embedtune sync` later.", error)
            return cls(study, None, grouped)

    def summary(self) -> None:
        """Deliver the study itself."""
        if self.grouped:
            self._try(self._deliver_study)

    def trial(self, trial: TrialPaths) -> None:
        """Deliver one trial as far as it got; an unfinished one only while the store answers."""
        if trial in self.failed and not trial.result.is_file():
            return
        if not self._try(lambda: self._deliver_trial(trial)) and trial not in self.failed:
            self.failed.append(trial)

    def _deliver_study(self) -> None:
        assert self.store is not None
        self.parent = deliver_study(self.store, self.study, archive.read_all(self.study))

    def _deliver_trial(self, trial: TrialPaths) -> None:
        assert self.store is not None
        if self.grouped and self.parent is None:
            self._deliver_study()
        deliver_trial(self.store, trial, parent_run_id=self.parent)

    def _try(self, action: Callable[[], None]) -> bool:
        if self.store is None:
            return True
        try:
            action()
        except TrackingError as error:
            logger.warning("Not delivered to tracking: %s Run `embedtune sync` later.", error)
            return False
        return True
