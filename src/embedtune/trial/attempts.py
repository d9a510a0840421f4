"""Attempts at the trainings of one trial: each starts from less where the one before did not fit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from embedtune.errors import ResumeError
from embedtune.training import Attempt, free_memory, is_out_of_memory, smaller_mini_batch
from embedtune.trial.recorder import Recorder

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Attempts:
    """The starting point of the next attempt; a size that did not fit is not tried again by a later training."""

    def __init__(self, run: Recorder, first: Attempt) -> None:
        """Begin with ``first``."""
        self._run, self._next = run, first

    def fitted(self, mini_batch_size: int | None) -> None:
        """Take over the size that fitted in an earlier process; a resumed training knows better."""
        if self._next.resumed is None:
            self._next = replace(self._next, mini_batch_size=mini_batch_size)

    def anew(self, train: Callable[[Attempt], T]) -> T:
        """Run a training from scratch, and keep the starting point of the next one."""
        return self.go_on(lambda attempt: train(replace(attempt, resumed=None)))

    def go_on(self, train: Callable[[Attempt], T]) -> T:
        """Run a training; a batch that does not fit is tried again from the start, through ever smaller mini-batches.

        A saved state that cannot be taken up is forgotten.
        """
        while True:
            try:
                self._run.trying(self._next)
                return train(self._next)
            except ResumeError as error:
                logger.warning("Trial %d starts anew, its saved state cannot be used: %s", self._run.number, error)
                smaller = self._next.mini_batch_size
            except Exception as error:
                smaller = smaller_mini_batch(self._run.config, self._next.mini_batch_size)
                if not is_out_of_memory(error) or smaller is None:
                    raise
                logger.warning(
                    "Out of memory: trial %d begins again with mini-batches of %d rows", self._run.number, smaller
                )
            self._next = Attempt(self._next.folder, smaller)
            self._run.begin_again()
            free_memory()
