"""The untuned base models of a study, measured and recorded like trials."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from embedtune import archive
from embedtune.machine.locks import file_lock
from embedtune.machine.processes import worker_identity
from embedtune.paths import StudyPaths
from embedtune.records import BASE, State, TrialRecord
from embedtune.study.opening import Study
from embedtune.study.records import publish_baseline, read_baselines
from embedtune.sweep.delivery import Delivery
from embedtune.sweep.space.bases import Base
from embedtune.tracking import is_delivered
from embedtune.trial.bench import Bench, Benches
from embedtune.trial.run import run_baseline
from embedtune.trial.watching import Hooks, Watcher


def measure_baselines(
    study: Study, bases: Iterable[Base], benches: Benches, watcher: Watcher, delivery: Delivery
) -> None:
    """Measure every untuned base model of a study that this or another host has not measured.

    Two hosts that begin together both measure them: waiting for the other would take as long, and its lock would be a
    transaction of the database for all that time.

    Args:
        study: Open.
        bases: The base models that are searched, the default one first.
        benches: Of all of them.
        watcher: Shown what happens.
        delivery: To the tracking store.
    """
    paths = study.paths
    with file_lock(paths.root / "baseline.lock"):
        states = {record.name: record.state for record in read_baselines(study)}
        for base in bases:
            start = _begin(base, paths)
            if states.get(start.name) != State.COMPLETE:
                record = run_baseline(
                    base.config, benches.get(base.config), paths.of(start.name), start, Hooks(watcher)
                )
                if not publish_baseline(study, record):
                    shutil.rmtree(paths.of(start.name).root)  # another host was first, and its measurement counts
        for trial in paths.baselines():
            if trial.result.is_file() and not is_delivered(trial):
                delivery.trial(trial)


def ensure_baseline(base: Base, bench: Bench, study: StudyPaths, hooks: Hooks) -> None:
    """Measure an untuned base model that the study's folder does not have yet."""
    start = _begin(base, study)
    known = archive.read_folder(study.of(start.name))
    if known is None or known.state != State.COMPLETE:
        run_baseline(base.config, bench, study.of(start.name), start, hooks)


def _begin(base: Base, study: StudyPaths) -> TrialRecord:
    facts = {"worker": worker_identity(), **({BASE: base.word} if base.word else {})}
    return TrialRecord(study.name, base.number, State.RUNNING, facts=facts)
