"""The model registry beside a release: the champion to beat, and the version that is made."""

from __future__ import annotations

import logging
from pathlib import Path

from embedtune.cli.commands.answer import workspace
from embedtune.config import Config
from embedtune.errors import TrackingError
from embedtune.release.choice.candidates import Incumbent
from embedtune.release.choice.case import TEST, VALIDATION
from embedtune.release.export.writing import Release
from embedtune.release.gate.measurements import RELEASED
from embedtune.tracking import NewVersion, find_champion, open_store, register_release, version_tags

logger = logging.getLogger(__name__)


def find_incumbent(config: Config, name: str, scratch: Path) -> Incumbent | None:
    """The registry's champion of this name, if there is a registry and it has one.

    Raises:
        TrackingError: The registry does not answer; nobody can be promoted over a champion that is not known.
    """
    if not _is_asked_for(config):
        return None
    try:
        champion = find_champion(open_store(config.tracking, workspace(config)), name, scratch / "incumbent")
    except TrackingError as error:
        if not config.release.gate:
            logger.warning("Not compared with the champion: %s", error)
            return None
        raise TrackingError(
            f"the champion of {name} must be known to be judged against, but: {error} "
            "Mend the registry, or leave it out of the release: release.register=false."
        ) from error
    return Incumbent(f"champion version {champion.version}", champion.folder) if champion else None


def register(config: Config, release: Release, folder: Path) -> str | None:
    """Register an exported release; the version, or None without a registry or where it does not answer."""
    if not _is_asked_for(config):
        return None
    try:
        return register_release(open_store(config.tracking, workspace(config)), folder, _version(config, release))
    except TrackingError as error:
        logger.warning("Exported, but not registered: %s", error)
        return None


def _version(config: Config, release: Release) -> NewVersion:
    decision, product, scores = release.decision, release.product, release.measured.metrics(RELEASED)
    tags = version_tags(
        study=product.record.study,
        trial=", ".join(map(str, product.parts)) or str(product.record.number),
        objective=decision.objective,
        dim=decision.dim,
        values={split: metrics[str(decision.dim)][decision.objective] for split, metrics in scores.items()},
        digests=product.record.facts.get("digests", {}),
    )
    return NewVersion(
        name=release.name,
        alias=config.release.alias,
        metrics=scores.get(TEST, scores[VALIDATION]),
        run_id=product.record.run_id,
        tags=tags,
        promote=decision.gated,  # what the gate did not judge is no champion
        description="\n\n".join(decision.reasons),
    )


def _is_asked_for(config: Config) -> bool:
    return config.release.register and config.tracking.enabled
