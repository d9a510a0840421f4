"""``sync`` and ``relocate``: the tracking store brought up to date with the folders."""

from __future__ import annotations

import logging
from dataclasses import asdict

from embedtune import archive
from embedtune.cli.commands.answer import Answer, workspace
from embedtune.cli.commands.delivery import Delivered, deliver_all
from embedtune.config import Config
from embedtune.errors import ConfigError, RecordError
from embedtune.machine.processes import worker_alive
from embedtune.paths import StudyPaths
from embedtune.records import State, TrialRecord
from embedtune.study import load_study
from embedtune.study.definition import readable_definitions
from embedtune.study.own import require_own_folders
from embedtune.study.records import read_all
from embedtune.tracking import (
    Store,
    deliver_checkpoints,
    deliver_study,
    deliver_trial,
    links,
    open_store,
    relocate_store,
)

logger = logging.getLogger(__name__)


def sync(config: Config) -> Answer:
    """Deliver every study to the tracking store; existing content stays as it is."""
    if not config.tracking.enabled:
        raise ConfigError("tracking.enabled must be true to sync, but got false. Remove it.")
    space = workspace(config)
    store = open_store(config.tracking, space)
    own = [study for study in space.studies() if _is_own(study)]
    done = {
        study.name: _deliver(store, study, definition.is_sweep, config.study.storage)
        for study, definition in readable_definitions(space)
        if study in own
    }
    releases = {name: one for study in own for name, one in deliver_all(config, study).items()}
    lines = [
        f"{name}: {delivered} records are in the store{f', {running} still running' if running else ''}"
        for name, (delivered, running) in done.items()
    ]
    lines += [_release_line(name, one) for name, one in releases.items()]
    document = {
        "delivered": {name: delivered for name, (delivered, _) in done.items()},
        "running": {name: running for name, (_, running) in done.items() if running},
        "releases": {name: one.version for name, one in releases.items()},
    }
    address = f"Open {links(store, config.tracking).leaderboard}"
    status = max((one.status for one in releases.values()), default=0)
    return Answer(document, (*(lines or ["Nothing to deliver."]), address), status)


def _is_own(study: StudyPaths) -> bool:
    """Whether a study can be written to; one that cannot is named, and the others are delivered."""
    try:
        require_own_folders(study)
    except RecordError as error:
        logger.warning("%s", error)
        return False
    return True


def _release_line(name: str, done: Delivered) -> str:
    """The outcome for a release that was already exported, and is neither measured nor judged again."""
    registered = f"version {done.version}" if done.version else "not registered"
    return f"release {name}: {registered}{', uploaded' if done.hub else ''}{'' if done.is_whole else ', not finished'}"


def relocate(config: Config) -> Answer:
    """Point the records of the tracking store at the folder where it is now."""
    done = relocate_store(config.tracking, workspace(config))
    backup = str(done.backup) if done.backup else None
    document = {**asdict(done), "backup": backup}
    if backup is None:
        return Answer(document, (f"Nothing to mend: the store names {done.new}.",))
    lines = [f"{place}: {rows} rows" for place, rows in done.changed.items()]
    moved = f"Mended: {', '.join(done.old)} -> {done.new}"
    return Answer(document, (moved, *lines, f"The database as it was: {backup}"))


def _deliver(store: Store, study: StudyPaths, grouped: bool, storage: str | None) -> tuple[int, int]:
    """Deliver one study; how many records were delivered, and how many left to the worker that runs them.

    The study's own run tells of all trials, those of other hosts too; their runs are delivered by those hosts.
    """
    whole = load_study(study, storage) if grouped else None
    records = archive.read_all(study)
    parent = deliver_study(store, study, read_all(whole) if whole else records) if grouped else None
    ours = [record for record in records if not _is_running(record)]
    for record in ours:
        deliver_trial(store, study.of(record.name), parent_run_id=parent)
    records = archive.read_all(study)  # with the runs just made
    if grouped:
        deliver_study(store, study, read_all(whole) if whole else records)  # now its table can link to every run
    deliver_checkpoints(store, study, records)
    return len(ours), len(records) - len(ours)


def _is_running(record: TrialRecord) -> bool:
    return record.state == State.RUNNING and worker_alive(str(record.facts.get("worker", "")))
