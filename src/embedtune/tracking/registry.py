"""Releases as versions of a registered model in MLflow: which one is in use, and which one was before."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedtune.config.redaction import redact_text
from embedtune.errors import TrackingError
from embedtune.machine.folders import regular_files
from embedtune.records import Metrics
from embedtune.tracking.content import Point, RunContent
from embedtune.tracking.labels import MAX_DIGEST, MAX_TAG
from embedtune.tracking.labels import tags as as_tags
from embedtune.tracking.names import HEADLINES, dims, rounded, section, short
from embedtune.tracking.store import Store, connect

CHAMPION = "champion"
"""Alias of the version in use."""
PREVIOUS_CHAMPION = "previous_champion"
"""Alias of the version that was in use before."""

RELEASED = "embedtune.released"
"""Tag of the experiment: when a release was last begun, in nanoseconds; shows that the store can be written."""

_WEIGHTS = ".safetensors"


@dataclass(frozen=True)
class Champion:
    """The version in use.

    Attributes:
        name: Of the registered model.
        version: Its number, as text.
        folder: Its files, as SentenceTransformer loads them; they may be the store's own, so they are not changed.
    """

    name: str
    version: str
    folder: Path


@dataclass(frozen=True)
class Rollback:
    """The result of a rollback: the version now in use, and the one that it replaced."""

    name: str
    champion: str
    previous: str


@dataclass(frozen=True)
class NewVersion:
    """A version to register.

    Attributes:
        name: Of the registered model.
        alias: Moved to this version.
        metrics: Of the release; they appear on the model's page and on the run's as ``release/*``.
        run_id: The trial's run; None makes a run for the release.
        tags: Of the model and of its version; see :func:`version_tags`.
        promote: Move the alias ``champion`` here too; the champion until now becomes ``previous_champion``.
        description: Of the version, in Markdown.
        export: Digest of what is registered; a version that has it is taken up again, and no second one made.
    """

    name: str
    alias: str
    metrics: Metrics
    run_id: str | None
    tags: Mapping[str, str]
    promote: bool = False
    description: str = ""
    export: str = ""


def check_registry(store: Store, name: str) -> None:
    """Find out whether a version could be registered, before anything is spent on one; leaves no trace.

    Raises:
        TrackingError: The registry cannot be read or written, or did not answer in time.
    """
    with connect(store) as gateway:
        if not gateway.versions.touch(name):
            gateway.tag_experiment(store.experiment_id, {RELEASED: str(time.time_ns())})


def register_release(store: Store, folder: Path, new: NewVersion) -> str:
    """Register a release folder as the next version of a model and point an alias at it.

    What an earlier call of the same export began is taken up where it stopped.

    The model's files in the store are hard links to the folder's where the file system has them, so they take no
    space; the folder must not be changed in place afterwards.

    Args:
        store: Where to.
        folder: The release, as SentenceTransformer loads it.
        new: The version.

    Returns:
        Its number.

    Raises:
        TrackingError: The store refused or did not answer in time.
    """
    name, redacted = new.name, {key: redact_text(value)[:MAX_TAG] for key, value in new.tags.items()}
    export = as_tags({"export": new.export or None})
    with connect(store) as gateway:
        written = folder.stat().st_mtime_ns // 1_000_000  # the same each time, so that points count once
        run_id = gateway.own_run(new.run_id)
        if run_id is None:
            run_id = gateway.deliver(_release_run(name, written), gateway.find(f"release/{name}"))
        model = gateway.models.log(name, run_id, {"embedtune.kind": "release", **redacted, **export}, folder)
        gateway.log_points(run_id, release_points(new.metrics, written), model.model_id)
        version = gateway.versions.register(name, model, redacted | export, redact_text(new.description))
        gateway.versions.point(name, new.alias, version)
        if new.promote:
            champion = gateway.versions.find(name, CHAMPION)
            if champion is not None and str(champion.version) != version:
                gateway.versions.point(name, PREVIOUS_CHAMPION, champion.version)
            gateway.versions.point(name, CHAMPION, version)
        return version


def find_champion(store: Store, name: str, into: Path) -> Champion | None:
    """The version of a registered model that is in use; None if there is none.

    Args:
        store: Where its registry is.
        name: Of the registered model.
        into: Its files are downloaded here, unless the store has them on this machine.

    Raises:
        TrackingError: The store refused or did not answer in time, or the version is no folder of regular files with
            safetensors weights.
    """
    with connect(store) as gateway:
        version = gateway.versions.find(name, CHAMPION)
        if version is None:
            return None
        folder = gateway.versions.fetch(version, into)
    try:
        files = regular_files(folder)
    except OSError as error:
        raise TrackingError(
            f"champion of {name} must have regular files alone, but of version {version.version} "
            f"{error.filename or folder}: {error.strerror}. Restore its files, or move the alias: "
            f"python -m embedtune rollback release.name={name}"
        ) from error
    if not any("/" not in file and file.endswith(_WEIGHTS) for file in files):
        raise TrackingError(
            f"champion of {name} must have safetensors weights, but got version {version.version} without any in "
            f"{folder}. Restore its files, or move the alias: python -m embedtune rollback release.name={name}"
        )
    return Champion(name, str(version.version), folder)


def roll_back(store: Store, name: str) -> Rollback | None:
    """Put the previous champion of a registered model in use again; a second call takes that back.

    Returns:
        What was done; None if there is no previous champion.

    Raises:
        TrackingError: The store refused or did not answer in time.
    """
    with connect(store) as gateway:
        champion = gateway.versions.find(name, CHAMPION)
        previous = gateway.versions.find(name, PREVIOUS_CHAMPION)
        if champion is None or previous is None or champion.version == previous.version:
            return None
        gateway.versions.point(name, CHAMPION, previous.version)
        gateway.versions.point(name, PREVIOUS_CHAMPION, champion.version)
        return Rollback(name, str(previous.version), str(champion.version))


def version_tags(
    *, study: str, trial: str, objective: str, dim: int, values: Mapping[str, float], digests: Mapping[str, str]
) -> dict[str, str]:
    """Tags of a version: where it came from, what was measured and on which texts.

    Args:
        study: Name of the study.
        trial: Name of the trial, or of what else was released.
        objective: The metric the study maximised.
        dim: Size of the embedding at which it was read.
        values: Split -> the objective.
        digests: Split -> sha256 of its texts.
    """
    return as_tags(
        {
            "study": study,
            "trial": trial,
            "objective": objective,
            "dim": dim,
            **{split: rounded(value) for split, value in values.items()},
            "digest": {split: digest[:MAX_DIGEST] for split, digest in digests.items()},
        }
    )


def _release_run(name: str, now: int) -> RunContent:
    uid = f"release/{name}"
    return RunContent(uid, f"{name}-release", "FINISHED", now, now, as_tags({"kind": "release", "uid": uid}), {}, ())


def release_points(metrics: Metrics, timestamp: int) -> tuple[Point, ...]:
    """``release/map_at_100_dim0384`` and so on, the largest dimension first."""
    return tuple(
        Point(f"release/{short(metric)}_{section(dim)}", rounded(metrics[str(dim)][metric]), 0, timestamp)
        for metric in (f"cosine_{headline}" for headline in HEADLINES)
        for dim in dims(metrics)
        if metric in metrics[str(dim)]
    )
