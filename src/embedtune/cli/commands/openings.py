"""Every look at a test split is noted, in each study whose choice that split is to judge."""

from __future__ import annotations

import logging

from embedtune import archive
from embedtune.cli.commands.answer import workspace
from embedtune.config import Config
from embedtune.errors import TrackingError
from embedtune.paths import StudyPaths
from embedtune.records import Opening, opened_again
from embedtune.study.definition import readable_definitions
from embedtune.tracking import deliver_study, open_store

logger = logging.getLogger(__name__)


def open_test(
    config: Config, digest: str, reason: str, command: str, *, own: StudyPaths | None = None
) -> dict[str, tuple[Opening, ...]]:
    """Note in every study that has this test split that it is read now; call it before the reading.

    Args:
        config: Says where the studies are.
        digest: Of the test split.
        reason: What for, such as ``release NAME``.
        command: What was typed, without secrets.
        own: A study whose data this is, whatever its definition says.

    Returns:
        Study -> every opening of its test split so far, this one last.
    """
    openings = {}
    for study, definition in readable_definitions(workspace(config)):
        is_own = own is not None and study.name == own.name
        if not is_own and definition.data.digests.get("test") != digest:
            continue
        openings[study.name] = archive.record_opening(study, reason, command)
        if len(openings[study.name]) > 1:
            logger.warning("%s: %s", study.name, opened_again(len(openings[study.name])))
        if definition.is_sweep:
            _deliver_again(config, study)
    return openings


def _deliver_again(config: Config, study: StudyPaths) -> None:
    """Bring a study's run up to date, if it was ever delivered; a failing store is only reported."""
    records = archive.read_all(study)
    if not config.tracking.enabled or not any(record.run_id for record in records):
        return
    try:
        deliver_study(open_store(config.tracking, workspace(config)), study, records)
    except TrackingError as error:
        logger.warning("Not delivered to tracking: %s Run `embedtune sync` later.", error)
