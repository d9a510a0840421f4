"""A release as a model version in MLflow's registry."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from embedtune.records import Metrics
from embedtune.tracking.content import Point, RunContent
from embedtune.tracking.labels import MAX_TAG
from embedtune.tracking.labels import tags as as_tags
from embedtune.tracking.names import HEADLINES, dims, rounded, section, short
from embedtune.tracking.redaction import redact_text
from embedtune.tracking.store import Store, connect


def register_release(
    store: Store, folder: Path, *, name: str, alias: str, metrics: Metrics, run_id: str | None, tags: Mapping[str, str]
) -> str:
    """Register a release folder as the next version of the model ``name`` and point ``alias`` at it.

    The model's files in the store are hard links to the folder's where the file system has them, so they take no
    space; the folder must not be changed in place afterwards.

    Args:
        store: Where to.
        folder: The release, as SentenceTransformer loads it.
        name: Of the registered model.
        alias: Moved to this version.
        metrics: Of the release; they appear on the model's page and on the run's as ``release/*``.
        run_id: The trial's run; None makes a run for the release.
        tags: Of the model and of its version.

    Returns:
        The version.

    Raises:
        TrackingError: The store refused or did not answer in time.
    """
    redacted = {key: redact_text(value)[:MAX_TAG] for key, value in tags.items()}
    with connect(store) as gateway:
        now = time.time_ns() // 1_000_000
        run_id = run_id or gateway.deliver(_release_run(name, now), gateway.find(f"release/{name}"))
        model = gateway.models.log(name, run_id, {"embedtune.kind": "release", **redacted}, folder)
        gateway.log_points(run_id, release_points(metrics, now), model.model_id)
        return gateway.models.register(name, model, redacted, alias)


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
