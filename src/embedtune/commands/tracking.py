"""``ui`` and ``sync``."""

from __future__ import annotations

import logging
from typing import NoReturn

from embedtune import archive
from embedtune.commands.address import leaderboard_address
from embedtune.commands.answer import Answer, workspace
from embedtune.config import Config
from embedtune.errors import ConfigError
from embedtune.paths import StudyPaths
from embedtune.sweep.definition import require_definition
from embedtune.tracking import Store, check_servable, deliver_study, deliver_trial, links, open_store, serve_ui

logger = logging.getLogger(__name__)


def ui(config: Config) -> NoReturn:
    """Serve the MLflow UI on 127.0.0.1 until Ctrl-C."""
    check_servable(config.tracking, workspace(config))
    logger.info("Open %s in a few seconds (Ctrl-C ends)", leaderboard_address(config, config.study.name))
    serve_ui(config.tracking, workspace(config))


def sync(config: Config) -> Answer:
    """Deliver every study to the tracking store; what is there already stays as it is."""
    if not config.tracking.enabled:
        raise ConfigError("tracking.enabled must be true to sync, but got false. Remove it.")
    space = workspace(config)
    store = open_store(config.tracking, space)
    delivered = {study.name: _deliver(store, study) for study in space.studies()}
    lines = [f"{name}: {count} records delivered" for name, count in delivered.items()] or ["Nothing to deliver."]
    return Answer({"delivered": delivered}, (*lines, f"Open {links(store, config.tracking).leaderboard}"))


def _deliver(store: Store, study: StudyPaths) -> int:
    grouped = require_definition(study, [])["kind"] == "sweep"
    parent = deliver_study(store, study, archive.read_all(study)) if grouped else None
    records = archive.read_all(study)
    for record in records:
        deliver_trial(store, study.trial(record.number), parent_run_id=parent)
    if grouped:
        deliver_study(store, study, archive.read_all(study))  # now its table can link to every run
    return len(records)
