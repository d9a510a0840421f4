"""A whole study: check everything, open it, mend what a crash left, then let the workers loop."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Protocol
from zlib import crc32

from optuna.pruners import NopPruner

from embedtune.errors import StudyError
from embedtune.machine.disk import reporting_full
from embedtune.machine.processes import worker_identity
from embedtune.machine.threads import usable_cores
from embedtune.paths import StudyPaths, Workspace
from embedtune.records import StudyDefinition, TrialRecord
from embedtune.study import Study, left, open_study
from embedtune.study.binding import bind, require_own_storage
from embedtune.study.definition import check_definition, save_definition, study_name
from embedtune.study.records import agree, read_records
from embedtune.study.storage import persistently, reporting_lost
from embedtune.sweep.ask import Asking
from embedtune.sweep.baselines import measure_baselines
from embedtune.sweep.corpus import draw_corpus
from embedtune.sweep.delivery import Delivery
from embedtune.sweep.plan import Plan
from embedtune.sweep.space.starts import enqueue
from embedtune.sweep.strategies.build import PRUNER, SEED_STRIDE, build_sampler, build_strategy
from embedtune.sweep.workers.attempts import common_failure
from embedtune.sweep.workers.follow import Follower, await_others
from embedtune.sweep.workers.hosts import Launched, leash
from embedtune.sweep.workers.requeue import mend
from embedtune.sweep.workers.slots import make_slots, visible_devices, worker_count
from embedtune.sweep.workers.stopping import Stop, die_with_parent, handling, stop_now
from embedtune.sweep.workers.supervisor import Slot, Supervisor
from embedtune.sweep.workers.worker import Compose, Worker
from embedtune.trial.watching import Watcher

_SEEDS = 1 << 30
"""Upper bound of the seeds of different hosts."""


class StudyWatcher(Watcher, Protocol):
    """An observer of a running study."""

    def study_began(self, definition: StudyDefinition, records: Sequence[TrialRecord]) -> None:
        """The study continues from these records."""


@reporting_full()
@reporting_lost()
def run_sweep(
    plan: Plan,
    compose: Compose,
    workspace: Workspace,
    watcher: StudyWatcher,
    command: Callable[[int], Sequence[str]],
    launch: Callable[[int], None] | None = None,
) -> StudyPaths:
    """Run a planned study up to its total; the same plan again goes on where it stopped.

    Args:
        plan: From :func:`plan_sweep`.
        compose: Overrides to a configuration.
        workspace: Where the study's folder is.
        watcher: Shown what happens.
        command: Starts a worker process of the given index.
        launch: Runs that many workers elsewhere until all have ended; None: on this machine.

    Raises:
        KeyboardInterrupt: The study was asked to stop; what was interrupted is queued again.
        StudyError: The storage cannot be reached, all trials fail for one reason, or the space or the disk is used up.
        ConfigError: The study was begun with another definition.
    """
    study = _begin(plan, workspace)
    draw_corpus(plan, study)
    delivery = Delivery.open(plan.config, workspace, study.paths, whole=study)
    sweep = _Sweep(plan, compose, study, delivery, watcher)
    sweep.mend()
    enqueue(study, plan.rules.space, plan.known, plan.n_trials)
    watcher.study_began(plan.definition, list(read_records(study)))
    delivery.summary()
    measure_baselines(study, plan.bases, plan.benches, watcher, delivery)
    devices = visible_devices()
    count = worker_count(plan.config.study.workers, devices)

    def run() -> None:
        if launch is not None:
            sweep.launched(launch, max(1, count))
        elif count == 0:
            sweep.here()
        else:
            sweep.supervised(command, make_slots(count, devices, usable_cores(), study.paths))

    run()
    while sweep.is_left_by_others():
        run()
    sweep.mend()
    delivery.summary()
    return study.paths


@dataclass(frozen=True)
class _Sweep:
    """A study while one command runs it."""

    plan: Plan
    compose: Compose
    study: Study
    delivery: Delivery
    watcher: Watcher
    stop: Stop = field(default_factory=Stop)

    def left(self) -> int:
        """How many trials can still be claimed."""
        return persistently(lambda: left(self.study, self.plan.n_trials))

    def mend(self) -> list[TrialRecord]:
        """Clean up after dead workers; return the trials that failed permanently as a result."""
        settings = self.plan.config.study
        return persistently(lambda: mend(self.study, self.delivery, settings.keep, settings.attempts))

    def ended(self) -> None:
        """See whether the study can still succeed, after a trial has ended."""
        self.delivery.summary()
        reason = common_failure(read_records(self.study))
        if reason is not None:
            raise StudyError(
                f"study {self.study.paths.name} must have a trial that works, but all failed alike: {reason}"
            )

    def worker(self, index: int = 0) -> Worker:
        """A worker with a sampler and a pruner of its own."""
        plan, study = self.plan, self.study
        seed_shift = index + SEED_STRIDE * len(study.trials())
        if study.shared:  # another host's worker of this index may have begun at this number of trials too
            seed_shift += crc32(worker_identity().encode()) % _SEEDS
        study.optuna.sampler = build_sampler(plan.sampler, seed_shift) or study.optuna.sampler
        study.optuna.pruner = build_strategy(PRUNER, plan.pruner) or NopPruner()
        asking = Asking(study, plan.rules, plan.n_trials, Random(seed_shift))
        keep = plan.config.study.keep
        return Worker(study, asking, self.compose, plan.benches, self.delivery, self.watcher, keep, self.stop)

    def here(self) -> None:
        """Run trials in this process."""
        with handling({signal.SIGINT: self.stop.finish_then_now, signal.SIGTERM: stop_now}):
            self.worker().loop(self.ended)
        if self.stop.requested and self.left() > 0:
            raise KeyboardInterrupt

    def supervised(self, command: Callable[[int], Sequence[str]], slots: Sequence[Slot]) -> None:
        """Run trials in worker processes of this machine."""
        Supervisor(command, slots, self.watcher, self.left, self.mend, self.ended, self.stop).run()

    def launched(self, launch: Callable[[int], None], count: int) -> None:
        """Run trials in the jobs of a launcher."""
        follower = Follower(self.study, self.watcher)
        Launched(launch, count, self.study, follower, self.left, self.mend, self.ended, self.stop).run()

    def is_left_by_others(self) -> bool:
        """Wait for trials that run elsewhere; whether one of them is left for us to run again."""
        if self.stop.requested:
            return False
        follower = Follower(self.study, self.watcher)
        return await_others(self.study, self.plan.n_trials, follower, self.mend, self.ended)


@reporting_full()
@reporting_lost()
def run_worker(
    plan: Plan, compose: Compose, workspace: Workspace, watcher: Watcher, index: int, owner: str | None = None
) -> None:
    """Loop as worker ``index`` of a study that its supervisor has opened.

    Args:
        plan: As the supervisor made it.
        compose: Overrides to a configuration.
        workspace: Where the study's folder is.
        watcher: Shown what happens.
        index: From 0.
        owner: The identity of the sweep that launched this worker; None if it is the parent process.

    Raises:
        KeyboardInterrupt: After the interrupted trial was queued again.
        DeviceLost: The same; this process can run no trial any more.
        SpaceUsedUp: No other configuration is worth running.
        DiskFull: The same.
    """
    if owner is None:
        die_with_parent()
    paths = workspace.study(study_name(plan.config))
    study = open_study(paths, plan.config.study.storage, directions=plan.definition.objective.directions)
    draw_corpus(plan, study)
    delivery = Delivery.open(plan.config, workspace, paths, whole=study)
    stop = Stop()
    with handling({signal.SIGTERM: stop.finish}) if owner is None else leash(study, owner, stop):
        _Sweep(plan, compose, study, delivery, watcher, stop).worker(index).loop()


def _begin(plan: Plan, workspace: Workspace) -> Study:
    """Open the study and its folder, once its definition is known to be the one it was begun with."""
    paths = workspace.study(study_name(plan.config))
    check_definition(paths, plan.definition)
    require_own_storage(paths, plan.config.study.storage)
    study = open_study(paths, plan.config.study.storage, directions=plan.definition.objective.directions)
    agree(study, plan.definition)
    save_definition(paths, replace(plan.definition, id=bind(study)))
    return study
