"""Progress and evaluations during training, beside the steps themselves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from embedtune.training.schedule import evaluation_steps


@dataclass(frozen=True)
class Progress:
    """The progress of a training.

    Attributes:
        step: Optimiser steps done, 1-based.
        total_steps: Optimiser steps of the whole training.
        epoch: The same as a fraction of epochs.
        loss: Mean training loss since the evaluation before; for ``on_step`` the loss of this step.
        learning_rate: At this step.
        tokens: Real tokens seen so far, padding not counted.
        rows: Rows seen so far, each as often as it was.
        stage: Which of several trainings, for people, such as ``fold 2/5``.
        memory: Bytes the process takes at most, of its device where that has memory of its own; 0: not measured.
        averaged: Whether this is the point of the mean weights, which counts as one step after the last.
    """

    step: int
    total_steps: int
    epoch: float
    loss: float | None
    learning_rate: float
    tokens: int
    rows: int = 0
    stage: str = ""
    memory: int = 0
    averaged: bool = False


@dataclass(frozen=True)
class Seen:
    """Data that a training has read so far: real tokens, without padding, and rows, counted once per use."""

    tokens: int = 0
    rows: int = 0

    def __add__(self, other: Seen) -> Seen:
        return Seen(self.tokens + other.tokens, self.rows + other.rows)


@dataclass(frozen=True)
class Listener:
    """Receivers of the calls of a running training.

    Attributes:
        evaluate: Called at the steps of ``eval.every`` and at the last, with the model in evaluation mode and computing
            in fp32. What it raises ends the training and comes out unchanged.
        step: Called after every step.
        save: Called after each evaluation but the last with a function that writes the training's state into a folder,
            for :attr:`~embedtune.training.train.Attempt.resumed`.
    """

    evaluate: Callable[[Progress], None]
    step: Callable[[Progress], None] = lambda _: None
    save: Callable[[Callable[[Path], None]], None] = lambda _: None


class ProgressCallback(TrainerCallback):  # type: ignore[misc]
    """Hands out each step and calls for an evaluation at the chosen ones."""

    def __init__(
        self,
        every: str | float,
        listener: Listener,
        evaluating: Callable[[], AbstractContextManager[None]],
        write: Callable[[Path, Seen], None],
        seen: Seen,
    ) -> None:
        """An evaluation runs inside ``evaluating()``; ``write`` writes the state; ``seen`` was seen before."""
        self.history: list[Progress] = []
        self._every = every
        self._listener = listener
        self._evaluating = evaluating
        self._write = write
        self._seen = seen
        self._steps: frozenset[int] = frozenset()
        self._learning_rate = 0.0
        self._losses: list[float] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Choose the steps to evaluate at."""
        steps_per_epoch = max(1, len(kwargs["train_dataloader"]))
        self._steps = frozenset(evaluation_steps(self._every, steps_per_epoch, state.max_steps))

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Note the learning rate of this step, before the scheduler moves it on."""
        self._learning_rate = kwargs["optimizer"].param_groups[0]["lr"]

    def add_batch(self, loss: float, seen: Seen) -> None:
        """Note the loss of the step that is being done and what it reads."""
        self._losses.append(loss)
        self._seen += seen

    def evaluate_average(self, apply: Callable[[], None]) -> None:
        """Evaluate the mean weights, once the training is over."""
        last = self.history[-1]
        with self._evaluating():
            apply()
            self._listener.evaluate(replace(last, step=last.step + 1, averaged=True))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Report the step, and evaluate if this step is due."""
        loss, rate, seen = self._losses[-1], self._learning_rate, self._seen
        progress = Progress(state.global_step, state.max_steps, state.epoch, loss, rate, seen.tokens, seen.rows)
        self._listener.step(progress)
        if state.global_step in self._steps:
            mean = replace(progress, loss=sum(self._losses) / len(self._losses))
            self._losses.clear()
            self.history.append(mean)
            with self._evaluating():
                self._listener.evaluate(mean)
            if state.global_step < state.max_steps:
                self._listener.save(lambda folder: self._write(folder, seen))
