"""A trial folder as an MLflow run, delivered any number of times."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from embedtune import archive
from embedtune.config.redaction import redact, redact_text
from embedtune.machine.files import is_regular
from embedtune.paths import TrialPaths
from embedtune.records import Delivered, Metrics, TrialRecord
from embedtune.tracking.content import DatasetUse, RunContent, end_time, has_ended, state_word, status
from embedtune.tracking.folder import TrialFolder, read_folder
from embedtune.tracking.labels import MAX_DIGEST, MAX_TAG, datasets, line, params, tags
from embedtune.tracking.mlflow_private import LOGGED_ARTIFACTS_TAG
from embedtune.tracking.names import cost_points, dims, judged_points, trial_points
from embedtune.tracking.notes import trial_note
from embedtune.tracking.store import Store, connect, one_at_a_time

BEST_TABLE = "eval/best_metrics.json"
"""All metrics at all dimensions, unrounded; the UI shows it as a table."""


_COSTS = ("steps", "tokens", "rows_seen", "device_seconds", "peak_memory_bytes", "passages_per_second")
"""Facts that are metrics ``cost/*``, not tags."""


def deliver_trial(store: Store, trial: TrialPaths, *, parent_run_id: str | None) -> str:
    """Bring the trial's run up to what its folder holds; a second call changes nothing.

    Args:
        store: Where to.
        trial: The folder, of a trial that runs or has ended.
        parent_run_id: The study's run; None leaves the run at the top.

    Returns:
        The run's id, also kept in ``tracking.json``.

    Raises:
        TrackingError: The folder has no record, or the store refused or did not answer in time. What was
            delivered stays; the next call delivers the rest.
    """
    with connect(store) as gateway, one_at_a_time(trial.root):
        folder, before = read_folder(trial), archive.read_delivered(trial)
        run = gateway.find(folder.uid, before.run_id)
        if run is not None and _is_forgotten(run, folder.record):
            gateway.discard(run)
            run = None
        if run is None or run.info.run_id != before.run_id:
            before = Delivered()
        elif before.complete and before.parent_run_id == parent_run_id:
            return str(before.run_id)
        run_id = gateway.deliver(trial_content(folder, parent_run_id, skip=before.evaluations), run)
        now = Delivered(run_id, parent_run_id, len(folder.evaluations), complete=has_ended(folder.record))
        archive.write_delivered(trial, now)
    return run_id


def trial_content(folder: TrialFolder, parent_run_id: str | None, *, skip: int = 0) -> RunContent:
    """The run of a trial, without the points of its first ``skip`` evaluations."""
    record, objective, best = folder.record, folder.objective, folder.best
    measured = trial_points(folder.evaluations, objective, skip=skip) if objective else ()
    judged = judged_points(record, best, objective) if objective and best else ()
    return RunContent(
        uid=folder.uid,
        name=f"{record.study}-{record.name}",
        status=status(record),
        started=record.started,
        ended=end_time(record),
        tags=_tags(folder, parent_run_id),
        params=_params(folder),
        points=(*measured, *judged, *cost_points(record)),
        datasets=trial_datasets(folder),
        artifacts=_artifacts(folder) if has_ended(record) else {},
    )


def _params(folder: TrialFolder) -> dict[str, str]:
    # The baseline was not trained: a learning rate beside its score would be read as the cause of it.
    sections = {"train", "loss"} if folder.record.is_baseline else set()
    config = {key: value for key, value in folder.config.items() if key not in sections}
    return params(config) | params(folder.record.params)


def _tags(folder: TrialFolder, parent_run_id: str | None) -> dict[str, str]:
    record = folder.record
    ours = {
        "kind": "baseline" if record.is_baseline else "trial",
        "uid": folder.uid,
        "study": record.study,
        "trial": record.name,
        "state": state_word(record),
        "reason": record.reason,
    }
    revision = record.facts.get("git_revision")
    tables = [{"path": BEST_TABLE, "type": "table"}] if folder.best is not None and has_ended(record) else None
    theirs = {
        "mlflow.parentRunId": parent_run_id,
        "mlflow.source.name": "embedtune",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": str(revision).removesuffix("-dirty") if revision else None,
        "mlflow.user": user(),
        "mlflow.note.content": trial_note(record, folder.best, folder.objective)[:MAX_TAG],
        LOGGED_ARTIFACTS_TAG: json.dumps(tables) if tables else None,
    }
    # Ours first, because the page shows tags in this order, and last, because no fact may replace them.
    first, last = tags(ours), {key: text for key, text in theirs.items() if text is not None}
    return first | tags(_facts(record)) | first | last


def _facts(record: TrialRecord) -> dict[str, Any]:
    """Facts of the record beside the state, as a page can show them: costs are metrics, a mapping is one line."""
    facts = {key: value for key, value in record.facts.items() if key not in _COSTS}
    lengths = {"digests": MAX_DIGEST, "versions": None}
    lines = {key: line(facts[key], length) for key, length in lengths.items() if isinstance(facts.get(key), Mapping)}
    return facts | lines


def user() -> str:
    """Who is logged in, for the UI's "Created by"."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def trial_datasets(folder: TrialFolder) -> tuple[DatasetUse, ...]:
    """The data sets of the trial's training and evaluation; empty if unknown."""
    digests = folder.record.facts.get("digests")
    if not isinstance(digests, Mapping):
        return ()
    data = folder.config.get("data", {})
    source = data.get("path") or data.get("source") or "unknown"
    return datasets(str(folder.record.facts.get("data", "data")), str(source), digests)


def _artifacts(folder: TrialFolder) -> dict[str, str | Path]:
    paths = folder.paths
    artifacts: dict[str, str | Path] = {
        "config.yaml": yaml.safe_dump(redact(folder.config), sort_keys=False, allow_unicode=True)
    }
    for path in (paths.metrics, paths.training, paths.log):
        if is_regular(path):
            artifacts[path.name] = redact_text(path.read_text(encoding="utf-8", errors="replace"))
    for path in (paths.scores, paths.folds):
        if is_regular(path):
            artifacts[path.name] = path
    if folder.best is not None:
        artifacts[BEST_TABLE] = best_table(folder.best.metrics)
    return artifacts


def best_table(metrics: Metrics) -> str:
    """All metrics (rows) at all dimensions (columns) in the JSON that the UI shows as a table."""
    sizes: Sequence[int] = dims(metrics)
    names = dict.fromkeys(name for dim in sizes for name in metrics[str(dim)])
    rows = [[name, *(metrics[str(dim)].get(name) for dim in sizes)] for name in names]
    return json.dumps({"columns": ["metric", *map(str, sizes)], "data": rows})


def _is_forgotten(run: Any, record: TrialRecord) -> bool:
    """Whether the trial restarted since: MLflow keeps every point, so the earlier ones would stay in the curves."""
    return str(run.data.tags.get("embedtune.restarts", "0")) != str(record.facts.get("restarts", 0))


def is_delivered(trial: TrialPaths) -> bool:
    """Whether a store has all of the ended trial."""
    return archive.read_delivered(trial).complete
