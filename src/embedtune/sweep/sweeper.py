"""A whole study: check everything, open it, mend what a crash left, then let the workers loop."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from optuna.pruners import NopPruner

from embedtune import archive
from embedtune.bench import Bench, Benches
from embedtune.config import Config
from embedtune.errors import StudyError
from embedtune.hooks import Hooks, Watcher
from embedtune.paths import StudyPaths, Workspace
from embedtune.records import State, TrialRecord
from embedtune.study import Study, left, open_study, reconcile, worker_identity
from embedtune.sweep.definition import save_definition, study_name
from embedtune.sweep.delivery import Delivery
from embedtune.sweep.failures import common_failure
from embedtune.sweep.plan import Plan, default_params
from embedtune.sweep.slots import make_slots, usable_cores, visible_devices, worker_count
from embedtune.sweep.stopping import Stop, die_with_parent, handling, stop_now
from embedtune.sweep.strategies import SEED_STRIDE, build_sampler, build_strategy
from embedtune.sweep.supervisor import Supervisor
from embedtune.sweep.worker import Compose, Worker
from embedtune.trial import INTERRUPTED, run_baseline

logger = logging.getLogger(__name__)


class StudyWatcher(Watcher, Protocol):
    """Somebody who looks on while a study runs."""

    def study_began(self, definition: Mapping[str, Any], records: Sequence[TrialRecord]) -> None:
        """The study goes on from these records."""


def run_sweep(
    plan: Plan, compose: Compose, workspace: Workspace, watcher: StudyWatcher, command: Callable[[int], Sequence[str]]
) -> StudyPaths:
    """Run a planned study up to its total; the same plan again goes on where it stopped.

    Args:
        plan: From :func:`plan_sweep`.
        compose: Overrides to a configuration.
        workspace: Where the study's folder is.
        watcher: Shown what happens.
        command: Starts a worker process of the given index.

    Raises:
        KeyboardInterrupt: The study was asked to stop; what was interrupted is queued again.
        StudyError: The storage cannot be reached, or all trials fail for one reason.
        ConfigError: The study was begun with another definition.
    """
    paths = workspace.study(study_name(plan.config))
    save_definition(paths, plan.definition)
    study = open_study(paths, plan.config.study.storage)
    delivery = Delivery.open(plan.config, workspace, paths)
    _mend(study, delivery)
    if not study.optuna.get_trials(deepcopy=False):
        study.optuna.enqueue_trial(default_params(plan), user_attrs={"origin": "default recipe"})
    watcher.study_began(plan.definition, list(archive.read_records(paths)))
    delivery.summary()
    ensure_baseline(plan.config, plan.bench, paths, Hooks(watcher, delivery.trial))

    def ended() -> None:
        delivery.summary()
        reason = common_failure(archive.read_records(paths))
        if reason is not None:
            raise StudyError(f"study {paths.name} must have a trial that works, but all failed alike: {reason}")

    devices = visible_devices()
    count = worker_count(plan.config.study.workers, devices)
    if count == 0:
        stop = Stop()
        with handling({signal.SIGINT: stop.finish_then_now, signal.SIGTERM: stop_now}):
            make_worker(plan, compose, study, delivery, watcher, stop).loop(ended)
        if stop.requested and left(study, plan.config.study.n_trials) > 0:
            raise KeyboardInterrupt
    else:
        Supervisor(
            command=command,
            slots=make_slots(count, devices, usable_cores(), paths),
            watcher=watcher,
            left=lambda: left(study, plan.config.study.n_trials),
            mend=lambda: _mend(study, delivery),
            ended=ended,
        ).run()
    delivery.summary()
    return paths


def run_worker(plan: Plan, compose: Compose, workspace: Workspace, watcher: Watcher, index: int) -> None:
    """Loop as worker ``index`` of a study that its supervisor has opened.

    Raises:
        KeyboardInterrupt: After the interrupted trial was queued again.
    """
    die_with_parent()
    paths = workspace.study(study_name(plan.config))
    study = open_study(paths, plan.config.study.storage)
    delivery = Delivery.open(plan.config, workspace, paths)
    stop = Stop()
    with handling({signal.SIGTERM: stop.finish}):
        make_worker(plan, compose, study, delivery, watcher, stop, index).loop()


def make_worker(
    plan: Plan, compose: Compose, study: Study, delivery: Delivery, watcher: Watcher, stop: Stop, index: int = 0
) -> Worker:
    """A worker with a sampler and a pruner of its own."""
    seed_shift = index + SEED_STRIDE * len(study.optuna.get_trials(deepcopy=False))
    study.optuna.sampler = build_sampler(plan.sampler, seed_shift) or study.optuna.sampler
    study.optuna.pruner = build_strategy("hydra.sweeper.pruner", plan.pruner) or NopPruner()
    benches = Benches(plan.config, plan.bench)
    budget, keep = plan.config.study.n_trials, plan.config.study.keep
    return Worker(study, plan.space, compose, benches, delivery, watcher, budget, keep, stop)


def ensure_baseline(config: Config, bench: Bench, study: StudyPaths, hooks: Hooks) -> TrialRecord:
    """The untuned base model's record, measured if it is not there yet."""
    record = archive.read_record(study, -1)
    if record is None or record.state != State.COMPLETE:
        start = TrialRecord(study.name, -1, State.RUNNING, facts={"worker": worker_identity()})
        record = run_baseline(config, bench, study.baseline, start, hooks)
    return record


def _mend(study: Study, delivery: Delivery) -> None:
    """Close the records of trials whose worker died; their configurations are queued again."""
    for number in reconcile(study):
        logger.warning("Trial %d was left unfinished by a worker that died; it is queued again", number)
        record = archive.read_record(study.paths, number)
        if record is not None and record.state == State.RUNNING:
            trial = study.paths.trial(number)
            archive.write_result(trial, replace(record, state=State.FAIL, reason=f"{INTERRUPTED}: its worker died"))
            delivery.trial(trial)
