"""Restore a saved state into a resumed training."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback

from embedtune.training.state import TrainingState, restore_optimiser, restore_random, restore_weights


class Resuming(TrainerCallback):  # type: ignore[misc]
    """Restores weights, optimiser and schedule before the first step, and the state of the random generators.

    The trainer itself finds the place among the batches. Drawing an epoch's batches takes a number from torch's
    generator, which a training that stopped within an epoch had taken already: it gets its generators back after that,
    one that stopped at the end of an epoch before it.
    """

    def __init__(self, state: TrainingState) -> None:
        """Resume from ``state``."""
        self._state: TrainingState | None = state

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Restore everything that a step changes.

        Raises:
            ResumeError: It is the state of another training.
        """
        if self._state is not None:
            restore_weights(self._state, kwargs["model"])
            restore_optimiser(self._state, kwargs["optimizer"], kwargs["lr_scheduler"])

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Restore the generators, if the training stopped at the end of an epoch."""
        if state.global_step % len(kwargs["train_dataloader"]) == 0:
            self._restore_random(args)

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Restore them before the first step, if it stopped within one."""
        self._restore_random(args)

    def _restore_random(self, args: Any) -> None:
        if self._state is not None:
            restore_random(self._state, args.device)
            self._state = None
