"""What happens beside the steps: progress and evaluations."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from transformers import TrainerCallback

from embedtune.training.schedule import evaluation_steps


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Attributes:
        step: Optimiser steps done, 1-based.
        total_steps: Optimiser steps of the whole training.
        epoch: The same as a fraction of epochs.
        loss: Mean training loss since the evaluation before; for ``on_step`` the loss of this step.
        learning_rate: At this step.
        tokens: Real tokens seen so far, padding not counted.
        stage: Which of several trainings, for people, such as ``fold 2/5``.
        memory: Bytes the process takes at most, of its device where that has memory of its own; 0: not measured.
    """

    step: int
    total_steps: int
    epoch: float
    loss: float | None
    learning_rate: float
    tokens: int
    stage: str = ""
    memory: int = 0


class ProgressCallback(TrainerCallback):  # type: ignore[misc]
    """Hands out each step and calls for an evaluation at the chosen ones."""

    def __init__(
        self,
        every: str | float,
        on_evaluate: Callable[[Progress], None],
        on_step: Callable[[Progress], None] | None,
        evaluating: Callable[[], AbstractContextManager[None]],
        on_saving: Callable[[int], None] | None = None,
        tokens: int = 0,
    ) -> None:
        """See :func:`embedtune.training.train_model`; an evaluation runs inside ``evaluating()``.

        ``on_saving`` is given the tokens seen so far, after each evaluation but the last; ``tokens`` were seen before.
        """
        self.history: list[Progress] = []
        self._every = every
        self._on_evaluate = on_evaluate
        self._on_step = on_step
        self._evaluating = evaluating
        self._on_saving = on_saving
        self._steps: frozenset[int] = frozenset()
        self._learning_rate = 0.0
        self._losses: list[float] = []
        self._tokens = tokens

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Choose the steps to evaluate at."""
        steps_per_epoch = max(1, len(kwargs["train_dataloader"]))
        self._steps = frozenset(evaluation_steps(self._every, steps_per_epoch, state.max_steps))

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Note the learning rate of this step, before the scheduler moves it on."""
        self._learning_rate = kwargs["optimizer"].param_groups[0]["lr"]

    def add_batch(self, loss: float, tokens: int) -> None:
        """Note the loss and the real tokens of the step that is being done."""
        self._losses.append(loss)
        self._tokens += tokens

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Report the step, and evaluate if it is its turn."""
        loss, rate = self._losses[-1], self._learning_rate
        progress = Progress(state.global_step, state.max_steps, state.epoch, loss, rate, self._tokens)
        if self._on_step is not None:
            self._on_step(progress)
        if state.global_step in self._steps:
            mean = replace(progress, loss=sum(self._losses) / len(self._losses))
            self._losses.clear()
            self.history.append(mean)
            with self._evaluating():
                self._on_evaluate(mean)
            if self._on_saving is not None and state.global_step < state.max_steps:
                self._on_saving(self._tokens)
