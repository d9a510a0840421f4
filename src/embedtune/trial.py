"""Run one trial: fine-tune, evaluate, keep the best step, record all of it."""

from __future__ import annotations

import copy
import logging
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from embedtune.bench import Bench
from embedtune.config import Config
from embedtune.hooks import Hooks
from embedtune.paths import TrialPaths, write_json
from embedtune.recorder import Pruned, Recorder
from embedtune.records import State, TrialRecord
from embedtune.training import (
    free_memory,
    is_out_of_memory,
    reset_peak_memory,
    resolve_device,
    smaller_mini_batch,
    train_model,
    training_facts,
)

logger = logging.getLogger(__name__)

INTERRUPTED = "interrupted"
"""How the reason of a trial begins that was stopped from outside."""


def run_trial(config: Config, bench: Bench, trial: TrialPaths, record: TrialRecord, hooks: Hooks) -> TrialRecord:
    """Fine-tune one configuration and record it.

    A failure is part of the record, not an error: the returned state says how the trial ended.

    Raises:
        KeyboardInterrupt: After the interruption was recorded.
    """
    run = Recorder(config, bench, trial, hooks, record.number)
    record = run.begin(record)
    state: State = State.COMPLETE
    reason: str | None = None
    with _logging_to(trial):
        try:
            _train(run)
        except Pruned:
            state, reason = State.PRUNED, f"pruned after evaluation {run.done}"
        except KeyboardInterrupt:
            run.close(record, State.FAIL, INTERRUPTED)
            raise
        except Exception as error:
            logger.debug("%s", traceback.format_exc())
            state, reason = State.FAIL, f"{type(error).__name__}: {error}"
        return run.close(record, state, reason)


def run_baseline(config: Config, bench: Bench, trial: TrialPaths, record: TrialRecord, hooks: Hooks) -> TrialRecord:
    """Evaluate the untuned base model and record it like a trial."""
    run = Recorder(config, bench, trial, hooks, record.number)
    record = run.begin(record)
    model = copy.deepcopy(bench.model).to(resolve_device(config.train.device))
    run.evaluate(model, None)
    return run.close(record, State.COMPLETE)


def _train(run: Recorder) -> None:
    """Train; a batch that does not fit is tried again from the start, through ever smaller mini-batches."""
    reset_peak_memory(resolve_device(run.config.train.device))
    while True:
        try:
            return _attempt(run)
        except Exception as error:
            smaller = smaller_mini_batch(run.config, run.mini_batch_size)
            if not is_out_of_memory(error) or smaller is None:
                raise
            logger.warning("Out of memory: trial %d begins again with mini-batches of %d rows", run.number, smaller)
        run.begin_again(smaller)
        free_memory()


def _attempt(run: Recorder) -> None:
    config, bench = run.config, run.bench
    model = copy.deepcopy(bench.model).to(resolve_device(config.train.device))
    write_json(run.trial.training, asdict(training_facts(model, bench.task.training, config)))
    with tempfile.TemporaryDirectory(dir=run.trial.root, prefix="trainer-") as scratch:
        train_model(
            model,
            bench.task.training,
            config,
            on_evaluate=lambda progress: run.evaluate(model, progress),
            on_step=run.stepped,
            output_dir=Path(scratch),
            mini_batch_size=run.mini_batch_size,
        )


@contextmanager
def _logging_to(trial: TrialPaths) -> Iterator[None]:
    """Copy this process's log lines to the trial's log while it runs, tracebacks included."""
    handler = logging.FileHandler(trial.log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
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
