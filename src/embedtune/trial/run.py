"""Run one trial: fine-tune, evaluate, keep the best step, record all of it."""

from __future__ import annotations

import copy
import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from typing import TypeVar

from embedtune.config import Config
from embedtune.config.redaction import RedactedFormatter, redact_text
from embedtune.errors import DeviceLost, StudyError
from embedtune.machine.disk import is_full, reporting_full
from embedtune.machine.files import open_regular
from embedtune.paths import TrialPaths, write_json
from embedtune.records import UNMOVED, Interruption, State, TrialRecord
from embedtune.training import (
    Attempt,
    Listener,
    is_device_lost,
    reset_peak_memory,
    resolve_device,
    train_model,
    training_facts,
)
from embedtune.trial.attempts import Attempts
from embedtune.trial.bench import Bench
from embedtune.trial.cross_validation import cross_validate, score_untuned
from embedtune.trial.facts import amount_facts
from embedtune.trial.fresh import fresh_model, trained_parameters
from embedtune.trial.measuring import embedding_rates
from embedtune.trial.prepared import prepared_rows
from embedtune.trial.recorder import Pruned, Recorder
from embedtune.trial.watching import Hooks

logger = logging.getLogger(__name__)

T = TypeVar("T")


@reporting_full()
def run_trial(
    config: Config, bench: Bench, trial: TrialPaths, record: TrialRecord, hooks: Hooks, *, resumable: bool = False
) -> TrialRecord:
    """Fine-tune one configuration and record it.

    A failure is part of the record, not an error: the returned state says how the trial ended.

    Args:
        config: Of the trial.
        bench: Its data and its base model.
        trial: Its folder. With ``resumable`` it may hold what a killed trial left, and the trial goes on from there.
        record: What is known before it runs.
        hooks: Receivers of its events.
        resumable: Keep the state of the training while it runs, and after an interruption.

    Raises:
        KeyboardInterrupt: After the interruption was recorded.
        DeviceLost: The same, when this process can run no trial any more.
        StudyError: The same, as far as it could be, when the disk is full or the study's storage went away.
    """
    run = Recorder(config, bench, trial, hooks, record, resumable)
    state: State = State.COMPLETE
    reason: str | None = None
    with _logging_to(trial):
        attempts = Attempts(run, run.begin())
        try:
            _train(run, attempts)
        except Pruned as pruned:
            state, reason = State.PRUNED, str(pruned) or f"pruned after evaluation {run.done}"
        except KeyboardInterrupt:
            run.break_off(Interruption.STOPPED)
            raise
        except Exception as error:
            logger.debug("%s", traceback.format_exc())
            state, reason = State.FAIL, redact_text(f"{type(error).__name__}: {error}")
            if isinstance(error, StudyError) or is_full(error):  # it is the study that cannot continue
                with suppress(OSError):
                    run.break_off(Interruption.STOPPED)
                raise
            if is_device_lost(error):
                run.break_off(Interruption.DIED, reason)
                raise DeviceLost(reason) from error
        return run.close(state, reason)


def run_baseline(config: Config, bench: Bench, trial: TrialPaths, record: TrialRecord, hooks: Hooks) -> TrialRecord:
    """Evaluate the untuned base model and record it like a trial."""
    run = Recorder(config, bench, trial, hooks, record)
    run.begin()
    model = copy.deepcopy(bench.model).to(resolve_device(config.train.device))
    if bench.folds:
        run.judged_by(score_untuned(run, model))
    run.evaluate(model, None)
    for rate in embedding_rates(config, bench, model):
        run.meter.embedded(rate)
    return run.close(State.COMPLETE)


def _train(run: Recorder, attempts: Attempts) -> None:
    """Train on all rows, after the folds if there are any."""
    reset_peak_memory(resolve_device(run.config.train.device))
    if run.bench.folds:
        run.judged_by(cross_validate(run, attempts))
    attempts.go_on(partial(_train_on_all, run))


def _train_on_all(run: Recorder, attempt: Attempt) -> None:
    config, bench = run.config, run.bench
    prepared = prepared_rows(config, bench, bench.task.training, run.trial.prepared)
    training = prepared.training
    model = fresh_model(config, bench)
    run.noted(
        {
            "trained_parameters": trained_parameters(model),
            **prepared.facts,
            **amount_facts(config, training, run.number),
        }
    )
    write_json(run.trial.training, asdict(training_facts(model, training, config)))
    listener = Listener(lambda progress: run.evaluate(model, progress), run.stepped, run.save)
    outcome = train_model(model, training, config, attempt, listener, prepared.refresh)
    if not outcome.moved:
        reason = (
            "its loss was 0 throughout, so that there was nothing to learn from"
            if outcome.loss == 0
            else f"train.learning_rate={config.train.learning_rate:g} is too small, or there were too few steps"
        )
        logger.warning("Trial %d: no weight changed in %d steps: %s", run.number, outcome.steps, reason)
        run.noted({UNMOVED: reason})


@contextmanager
def _logging_to(trial: TrialPaths) -> Iterator[None]:
    """Copy this process's log lines to the trial's log while it runs, tracebacks included."""
    trial.root.mkdir(parents=True, exist_ok=True)
    stream = os.fdopen(open_regular(trial.log, os.O_RDWR | os.O_CREAT | os.O_APPEND), "a", encoding="utf-8")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactedFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root, own = logging.getLogger(), logging.getLogger("embedtune")
    level = own.level
    own.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        yield
    finally:
        own.setLevel(level)
        root.removeHandler(handler)
        handler.close()
        stream.close()
