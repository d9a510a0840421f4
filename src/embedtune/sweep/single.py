"""One configuration without a search: a trial in a study of single runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from embedtune import archive
from embedtune.config import Config, OnChange
from embedtune.machine.locks import file_lock
from embedtune.machine.processes import worker_identity
from embedtune.paths import StudyPaths, Workspace
from embedtune.records import State, TrialRecord
from embedtune.study.checkpoints import keep_best
from embedtune.study.definition import define_study, free_name, save_definition
from embedtune.study.own import require_own_folders
from embedtune.sweep.baselines import ensure_baseline
from embedtune.sweep.delivery import Delivery
from embedtune.sweep.space.bases import Base
from embedtune.sweep.sweeper import StudyWatcher
from embedtune.trial.bench import Bench
from embedtune.trial.corpus import judged_bench
from embedtune.trial.run import run_trial
from embedtune.trial.watching import Hooks


def run_single(
    config: Config, bench: Bench, workspace: Workspace, watcher: StudyWatcher, params: Mapping[str, Any]
) -> tuple[StudyPaths, int]:
    """Run one trial under the next free number.

    Returns:
        The study's folder and the trial's number.

    Raises:
        RecordError: A folder of the study is a link.
        ConfigError: ``study.name`` names a sweep, or single runs on other data, and ``study.on_change`` refuses that.
    """
    definition = define_study(config, bench.task, bench.objective)
    if config.study.on_change == OnChange.new:
        definition = replace(definition, name=free_name(workspace, definition))
    study = workspace.study(definition.name)
    require_own_folders(study)
    save_definition(study, definition)
    bench = judged_bench(config, bench, study)
    watcher.study_began(definition, list(archive.read_records(study)))
    delivery = Delivery.open(config, workspace, study, grouped=False)
    hooks = Hooks(watcher, delivery.trial)
    ensure_baseline(Base(config), bench, study, hooks)
    number = _claim_number(study)
    record = TrialRecord(study.name, number, State.RUNNING, params=params, facts={"worker": worker_identity()})
    try:
        run_trial(config, bench, study.trial(number), record, hooks)
    finally:  # a full disk needs the space of weights that nobody will resume from
        with file_lock(study.root / "checkpoints.lock"):
            keep_best(study, config.study.keep, archive.read_records(study))
    delivery.summary()
    return study, number


def _claim_number(study: StudyPaths) -> int:
    """The next number; making its folder claims it against another process."""
    while True:
        number = max((int(trial.root.name) for trial in study.trials()), default=-1) + 1
        try:
            study.trial(number).root.mkdir(parents=True)
        except FileExistsError:
            continue
        return number
