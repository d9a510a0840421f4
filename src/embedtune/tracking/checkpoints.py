"""The kept checkpoints of a study as MLflow logged models, delivered any number of times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from embedtune.paths import StudyPaths
from embedtune.records import TrialRecord
from embedtune.tracking.content import ModelContent, has_ended
from embedtune.tracking.folder import TrialFolder, read_folder
from embedtune.tracking.labels import params, tags
from embedtune.tracking.names import trial_points
from embedtune.tracking.store import Store, connect, one_at_a_time
from embedtune.tracking.trial_run import trial_datasets

if TYPE_CHECKING:
    from embedtune.tracking.client.gateway import Gateway


def deliver_checkpoints(store: Store, study: StudyPaths, records: Sequence[TrialRecord]) -> None:
    """Make the study's models those of its kept checkpoints; a second call changes nothing.

    A trial with weights in ``checkpoints/`` gets one model: hard links where the store is on the same file system, else
    a copy. A trial that lost its weights keeps the model's page, tagged ``embedtune.weights=pruned``, but not the
    files, unless the registry refers to them. Trials that were not delivered yet are left for the next call.

    Args:
        store: Where to.
        study: The study's folder.
        records: Its trials; others' models stay as they are.

    Raises:
        TrackingError: A folder has no record, or the store refused or did not answer in time.
    """
    with connect(store) as gateway, one_at_a_time(study.root):
        models = gateway.models.of_study(study.name)
        for record in records:
            if has_ended(record) and not record.is_baseline:
                uid = f"{study.name}/{record.name}"
                _settle(gateway, study, record, [model for model in models if model.tags["embedtune.uid"] == uid])


def model_content(folder: TrialFolder, study: StudyPaths) -> ModelContent:
    """The model of a trial's kept checkpoint."""
    record, objective = folder.record, folder.objective
    upto = next((i for i, e in enumerate(folder.evaluations) if e.step == record.best_step), -1) + 1
    points = trial_points(folder.evaluations[:upto], objective, skip=upto - 1) if objective and upto else ()
    epoch = {} if record.best_epoch is None else {"best_epoch": record.best_epoch}
    return ModelContent(
        name=f"{record.study}-{record.name}",
        step=record.best_step or 0,
        tags=tags({"kind": "checkpoint", "uid": folder.uid, "study": record.study, "trial": record.name})
        | _version(record),
        params=params({"base_model": record.base[0], **record.params, **epoch}),
        points=points,
        dataset=next((use for use in trial_datasets(folder) if use.context == "validation"), None),
        folder=study.checkpoint(record.number),
    )


def _settle(gateway: Gateway, study: StudyPaths, record: TrialRecord, models: Sequence[Any]) -> None:
    """Bring the models of one trial in line with its checkpoint, or with having none."""
    wanted = _version(record) if study.checkpoint(record.number).is_dir() else None
    current = None
    for model in models:
        if wanted is not None and wanted.items() <= model.tags.items():
            current = model
        elif not gateway.models.is_pruned(model):
            gateway.models.prune(model)
    if wanted is None or (current is not None and gateway.models.is_kept(current)):
        return
    folder = read_folder(study.trial(record.number))
    run = gateway.find(folder.uid, record.run_id)
    if run is None:
        return
    try:
        gateway.models.keep(model_content(folder, study), current, run)
    except OSError:
        # Another worker found better ones and deleted these meanwhile: the next call prunes what was begun.
        if study.checkpoint(record.number).is_dir():
            raise


def _version(record: TrialRecord) -> dict[str, str]:
    """Tags that tell these weights from those of a trial that had the same number before."""
    return tags({"started": record.started, "best_step": record.best_step})
