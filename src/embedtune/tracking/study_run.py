"""A study as an MLflow run, the parent of its trials' runs, delivered any number of times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from embedtune import archive
from embedtune.config.redaction import redact
from embedtune.errors import RecordError, TrackingError
from embedtune.machine.files import is_regular
from embedtune.paths import StudyPaths
from embedtune.ranking import best, pareto_front
from embedtune.records import StudyDefinition, TrialRecord, opened_again
from embedtune.tracking.content import INTERRUPTED, Point, RunContent, end_time, has_ended, state_word
from embedtune.tracking.labels import MAX_TAG, datasets, params, tags
from embedtune.tracking.links import run_path
from embedtune.tracking.mlflow_private import shows_views
from embedtune.tracking.names import rounded, section, short
from embedtune.tracking.notes import study_note
from embedtune.tracking.store import Store, connect, one_at_a_time
from embedtune.tracking.trial_run import user
from embedtune.tracking.views import StudyShape, study_tags

if TYPE_CHECKING:
    from embedtune.tracking.client.gateway import Gateway

FRONT = "embedtune.front"
"""Tag of a trial's run: whether no other trial beats it in both objectives; of the study's run: those trials."""

OPENINGS = "embedtune.test_openings"
"""Tag of a study's run: how often the sealed test split was read."""

_CHANGING = ("n_trials", "code_version")
"""Keys of the definition that a later call may change: MLflow lets tags change, params not."""


def deliver_study(store: Store, study: StudyPaths, records: Sequence[TrialRecord]) -> str:
    """Bring the study's run up to its definition and its trials; a second call changes nothing.

    Args:
        store: Where to.
        study: The study's folder.
        records: Its trials and its baseline, as far as there are any.

    Returns:
        The run's id.

    Raises:
        TrackingError: The folder has no definition, or the store refused or did not answer in time.
    """
    definition = _read_definition(study)
    run_links = {
        record.number: run_path(store.experiment_id, run_id)
        for record in records
        if (run_id := record.run_id or _delivered_run(study, record))
    }
    with connect(store) as gateway, one_at_a_time(study.root):
        if shows_views():
            gateway.tag_experiment(store.experiment_id, study_tags(study_shape(study.name, definition, records)))
        content = study_content(study.name, definition, records, run_links)
        run = gateway.find(study.name)
        _tag_front(gateway, run, content, records)
        content = _with_openings(content, len(archive.read_openings(study)))
        artifacts = {**content.artifacts, **_report(study)}
        return gateway.deliver(replace(content, points=gateway.missing(run, content.points), artifacts=artifacts), run)


def study_content(
    name: str, definition: StudyDefinition, records: Sequence[TrialRecord], run_links: Mapping[int, str]
) -> RunContent:
    """The run of a study."""
    # Another trial continues an interrupted one, and counts instead of it.
    trials = [record for record in records if not record.is_baseline and state_word(record) != INTERRUPTED]
    n_trials, objective = definition.n_trials or 0, definition.objective
    ended = [end_time(record) for record in trials if has_ended(record)]
    done = bool(ended) and len(ended) >= n_trials and len(ended) == len(trials)
    plain, data = definition.to_dict(), definition.data
    fixed = {key: value for key, value in plain.items() if key not in _CHANGING}
    return RunContent(
        uid=name,
        name=name,
        status="FINISHED" if done else "RUNNING",
        started=min((record.started for record in records if record.started), default=0),
        ended=max(ended) if done else 0,
        tags=_tags(name, definition, done)
        | _front_tag(definition, trials, run_links)
        | {"mlflow.note.content": study_note(records, objective.metric, n_trials, run_links)},
        params=params(fixed),
        points=tuple(history(trials, objective.metric)),
        datasets=datasets(data.name, data.source, data.digests),
        artifacts={"study.yaml": yaml.safe_dump(redact(plain), sort_keys=False, allow_unicode=True)},
    )


def history(trials: Sequence[TrialRecord], metric: str) -> Iterator[Point]:
    """Each trial's values, and the best first one among the trials that had ended when it did, by number.

    Not the best of the lower numbers: with several workers, a lower number may end later and would change points
    already delivered.
    """
    ended = list(filter(has_ended, trials))
    best_at = _best_values(ended)
    for trial in sorted(ended, key=lambda record: record.number):
        when = end_time(trial)
        if (value := best_at[when]) is not None:
            yield Point(f"best/{short(metric)}", rounded(value), trial.number, when)
        if trial.value is not None:
            yield Point(f"trial/{short(metric)}", rounded(trial.value), trial.number, when)
        second = trial.second_objective
        if trial.second is not None and second is not None:
            name = str(second.written) if second.dim is None else f"{short(metric)}_{section(second.dim)}"
            yield Point(f"trial/{name}", rounded(trial.second), trial.number, when)


def _best_values(ended: Sequence[TrialRecord]) -> dict[int, float | None]:
    """Each end of a trial -> the best value by then."""
    first: TrialRecord | None = None
    values: dict[int, float | None] = {}
    for trial in sorted(ended, key=end_time):
        first = best(record for record in (first, trial) if record is not None)
        values[end_time(trial)] = first.value if first else None
    return values


def study_shape(name: str, definition: StudyDefinition, records: Sequence[TrialRecord]) -> StudyShape:
    """The facts that the saved views of a study depend on."""
    sizes = tuple(sorted({int(dim) for record in records for dim in record.metrics}, reverse=True))
    chosen = next((record.dim for record in records if record.dim), sizes[0] if sizes else 0)
    searched = tuple(dict.fromkeys(key for record in records for key in record.params))
    objective = replace(definition.objective, dim=chosen)
    return StudyShape(name, objective, sizes, searched)


def _front_tag(
    definition: StudyDefinition, trials: Sequence[TrialRecord], run_links: Mapping[int, str]
) -> dict[str, str]:
    """With two objectives, the numbers of the front's trials whose runs are there."""
    if definition.objective.second is None:
        return {}
    return {FRONT: ", ".join(str(record.number) for record in pareto_front(trials) if record.number in run_links)}


def _tag_front(gateway: Gateway, run: Any | None, content: RunContent, records: Sequence[TrialRecord]) -> None:
    """Tag the runs of the trials that came to the front or left it since the study's run was delivered.

    The tag of the study's run is written after these, so what was cut off is done by the next call.
    """
    before, now = (_numbers(tags.get(FRONT, "")) for tags in ((run.data.tags if run else {}), content.tags))
    for record in records:
        if record.number in before ^ now:
            found = gateway.find(f"{record.study}/{record.name}", record.run_id)
            if found is not None:
                gateway.tag(found, {FRONT: "true" if record.number in now else "false"})


def _numbers(text: str) -> frozenset[int]:
    return frozenset(int(part) for part in text.split(",") if part.strip())


def _with_openings(content: RunContent, count: int) -> RunContent:
    """How often the test split was read: a tag, and from the second time on a sentence behind the verdict."""
    note = content.tags["mlflow.note.content"]
    if count > 1:
        verdict, line, rest = note.partition("\n")
        note = f"{verdict} {opened_again(count)}{line}{rest}"[:MAX_TAG]
    return replace(content, tags={**content.tags, OPENINGS: str(count), "mlflow.note.content": note})


def _report(study: StudyPaths) -> dict[str, Path]:
    """The report's files, as far as there are any."""
    page = {study.report.name: study.report} if is_regular(study.report) else {}
    plots = filter(is_regular, sorted(study.plots.glob("*.png")))
    return page | {f"{study.plots.name}/{path.name}": path for path in plots}


def _tags(name: str, definition: StudyDefinition, done: bool) -> dict[str, str]:
    changing = {key: getattr(definition, key) for key in _CHANGING}
    ours = {"kind": "study", "uid": name, "study": name, "state": "complete" if done else "running"}
    theirs = {"mlflow.source.name": "embedtune", "mlflow.source.type": "LOCAL", "mlflow.user": user()}
    return tags(changing) | tags(ours) | theirs


def _read_definition(study: StudyPaths) -> StudyDefinition:
    try:
        return archive.read_definition(study)
    except (FileNotFoundError, RecordError) as error:
        raise TrackingError(f"{study.definition} must define the study to be delivered, but: {error}") from error


def _delivered_run(study: StudyPaths, record: TrialRecord) -> str | None:
    """A trial's run id from its ``tracking.json``: its record was written before it was delivered."""
    return archive.read_delivered(study.of(record.name)).run_id
