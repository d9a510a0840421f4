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
from embedtune.tracking import NewVersion, check_registry, find_champion, open_store, version_tags

logger = logging.getLogger(__name__)


def find_incumbent(config: Config, name: str, scratch: Path) -> Incumbent | None:
    """The registry's champion of this name, if there is a registry and it has one.

    Raises:
        TrackingError: The registry does not answer or cannot be written, which is found out before anything is spent;
            or the champion is not known, over which nobody can be promoted.
    """
    if not is_asked_for(config):
        return None
    try:
        store = open_store(config.tracking, workspace(config))
        check_registry(store, name)
    except TrackingError as error:
        raise TrackingError(
            f"the registry must take {name} before anything is measured for it, but: {error} "
            "Mend the registry, or leave it out of the release: release.register=false."
        ) from error
    try:
        champion = find_champion(store, name, scratch / "incumbent")
    except TrackingError as error:
        if not config.release.gate:
            logger.warning("Not compared with the champion: %s", error)
            return None
        raise TrackingError(
            f"the champion of {name} must be known to be judged against, but: {error} "
            "Mend the registry, or leave it out of the release: release.register=false."
        ) from error
    return Incumbent(f"champion version {champion.version}", champion.folder) if champion else None


def new_version(config: Config, release: Release) -> NewVersion:
    """The version that a release is registered as."""
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


def is_asked_for(config: Config) -> bool:
    """Whether the release is to be registered."""
    return config.release.register and config.tracking.enabled
