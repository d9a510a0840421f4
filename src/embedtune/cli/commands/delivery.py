"""Register and upload an exported release, or resume where that was interrupted."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from embedtune.cli.commands.answer import Answer, workspace
from embedtune.cli.commands.ui import browse_line
from embedtune.config import Config
from embedtune.errors import ReleaseError, TrackingError
from embedtune.paths import StudyPaths
from embedtune.release.export.delivery import Delivery, load
from embedtune.release.export.hub import push_to_hub
from embedtune.tracking import open_store, register_release

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Delivered:
    """The outcome of a delivery.

    Attributes:
        version: The one registered; None if that was not asked for or failed.
        hub: The address of the upload; None likewise.
        is_whole: Whether all that was asked for is done.
    """

    version: str | None
    hub: str | None
    is_whole: bool

    @property
    def status(self) -> int:
        """The exit status."""
        return 0 if self.is_whole else 1


def deliver(config: Config, study: StudyPaths, delivery: Delivery) -> Delivered:
    """Do the remaining steps of a release; failures are reported, and left for the next call."""
    version = _register(config, delivery) if delivery.asked.register else None
    address = _upload(delivery, delivery.asked.push_to_hub) if delivery.asked.push_to_hub else None
    whole = (version is not None) == delivery.asked.register and (address is None) == (not delivery.asked.push_to_hub)
    if whole:
        study.delivery(delivery.release).unlink(missing_ok=True)
    return Delivered(version, address, whole)


def go_on(config: Config, study: StudyPaths, release: str) -> Answer | None:
    """Finish a release that the same command exported before; None if there is none to finish."""
    found = load(study.delivery(release), workspace(config).releases)
    now = replace(config.release, register=config.release.register and config.tracking.enabled)
    delivery = found.taken_up(now) if found else None
    if delivery is None:
        return None
    done = deliver(config, study, delivery)
    lines = [
        f"{release} was exported before, to {delivery.folder}; the test split was not opened again.",
        *([f"Registered: {release} version {done.version} @{delivery.asked.alias}"] if done.version else []),
        *([f"Uploaded:   {done.hub}"] if done.hub else []),
        *browse_line(config, study.name),
    ]
    return Answer({**delivery.answer, "version": done.version, "hub": done.hub}, lines, done.status)


def deliver_all(config: Config, study: StudyPaths) -> dict[str, Delivered]:
    """Finish every release of a study that has something left to do."""
    found = (load(file, workspace(config).releases) for file in study.deliveries())
    return {own.release: deliver(config, study, own) for own in found if own is not None}


def _register(config: Config, delivery: Delivery) -> str | None:
    try:
        store = open_store(config.tracking, workspace(config))
        return register_release(store, Path(delivery.folder), delivery.new_version)
    except TrackingError as error:
        logger.warning("Exported, but not registered: %s The same `release` goes on from there too.", error)
        return None


def _upload(delivery: Delivery, repository: str) -> str | None:
    try:
        return push_to_hub(Path(delivery.folder), repository, message=f"Release {delivery.release}")
    except ReleaseError as error:
        logger.warning("Exported, but not uploaded: %s", error)
        return None
