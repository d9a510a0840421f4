"""Restore a saved state into a resumed training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from embedtune.training.averaging import Averaging
from embedtune.training.state import (
    TrainingState,
    restore_average,
    restore_loss_scale,
    restore_optimiser,
    restore_random,
    restore_weights,
)

if TYPE_CHECKING:
    from torch.amp import GradScaler


class Resuming(TrainerCallback):  # type: ignore[misc]
    """Restores weights, optimiser, schedule and loss scale before the first step, and the random generators.

    The trainer itself finds the place among the batches. Drawing an epoch's batches takes a number from torch's
    generator, which a training that stopped within an epoch had taken already: it gets its generators back after that,
    one that stopped at the end of an epoch before it.
    """

    def __init__(
        self, state: TrainingState, scaler: Callable[[], GradScaler | None], averaging: Averaging | None = None
    ) -> None:
        """Resume from ``state``; ``scaler`` gives the one of the training once there is a trainer."""
        self._state: TrainingState | None = state
        self._scaler, self._averaging = scaler, averaging

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Restore everything that a step changes.

        Raises:
            ResumeError: It is the state of another training.
        """
        if self._state is not None:
            restore_weights(self._state, kwargs["model"])
            restore_optimiser(self._state, kwargs["optimizer"], kwargs["lr_scheduler"])
            restore_loss_scale(self._state, self._scaler())
            if self._averaging is not None:
                restore_average(self._state, self._averaging, args.device)

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
