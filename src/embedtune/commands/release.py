"""``release``: export the best checkpoint with its card and evidence, and register it."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embedtune import archive
from embedtune.bench import full_dimension
from embedtune.commands.address import browse_line
from embedtune.commands.answer import Answer, workspace
from embedtune.commands.studies import board_of, chosen_study
from embedtune.config import Config, ModelConfig, measured_dims
from embedtune.config.restore import restore_config
from embedtune.data import load_task
from embedtune.errors import ConfigError, ReleaseError, TrackingError, join_problems
from embedtune.model import load_model
from embedtune.paths import StudyPaths, append_json_line
from embedtune.quiet import quiet_libraries
from embedtune.records import Metrics, TaskData, TrialRecord
from embedtune.release import CardInputs, export_release, render_card
from embedtune.release.choose import choose_trial
from embedtune.release.evidence import check_reproduced, collect_evidence, score_splits
from embedtune.release.examples import usage_example, widget_examples
from embedtune.reporting.tables import make_table
from embedtune.sweep.definition import require_definition
from embedtune.tracking import open_store, register_release
from embedtune.training import resolve_device

logger = logging.getLogger(__name__)


def release(config: Config) -> Answer:
    """Choose a trial, measure its checkpoint on validation and test, export it, check the export, register it.

    Raises:
        ConfigError: No such trial can be released, or the target exists.
        ReleaseError: Scores are not reproduced, or the data changed.
    """
    quiet_libraries()
    study = chosen_study(config)
    name = config.release.name or study.name
    target = workspace(config).releases / name
    record = _checked(config, study, target)
    recipe = restore_config(archive.read_config(study.trial(record.number)))
    task = _same_task(recipe, record)
    append_json_line(study.root / "test_openings.jsonl", {"time": int(time.time()), "reason": f"release {name}"})
    device = resolve_device(config.train.device)
    scores = _measure(recipe, task, ModelConfig(name=str(record.checkpoint)), device)
    check_reproduced(record.metrics, scores["validation"])
    baseline = _measure(recipe, task, recipe.model, device)
    summary = _search(study, config)
    card = render_card(_card_inputs(name, study, record, recipe, task, scores, baseline, summary))
    evidence = collect_evidence(record, study.trial(record.number), summary, scores, baseline)
    export_release(
        Path(str(record.checkpoint)), target, card=card, evidence=evidence, overwrite=config.release.overwrite
    )
    check_reproduced(scores["validation"], _measure(recipe, task, ModelConfig(name=str(target)), device)["validation"])
    version = _register(config, target, name, record, scores)
    document = {
        "release": name, "folder": str(target), "study": study.name, "trial": record.number,
        "objective": recipe.eval.objective, "version": version, "scores": scores, "untuned": baseline,
    }  # fmt: skip
    return Answer(document, _parts(document, config))


def _checked(config: Config, study: StudyPaths, target: Path) -> TrialRecord:
    """The trial to release, if both it and the folder can be had; says both problems at once."""
    problems = []
    if target.exists() and not config.release.overwrite:
        problems.append(
            f"release.name must be new, but {target} exists. Add release.overwrite=true or release.name=NAME."
        )
    try:
        record = choose_trial(list(archive.read_records(study)), config.release.trial)
    except ConfigError as error:
        raise ConfigError(join_problems([*problems, str(error)])) from error
    if problems:
        raise ConfigError(join_problems(problems))
    return record


def _same_task(recipe: Config, record: TrialRecord) -> TaskData:
    task = load_task(recipe.data)
    recorded = record.facts.get("digests", {})
    changed = [split for split, digest in recorded.items() if task.digests.get(split) != digest]
    if changed:
        raise ReleaseError(
            f"the data must be what the trial was trained on, but {', '.join(changed)} changed since (digests differ). "
            "Restore the data, or run the study again."
        )
    return task


def _measure(recipe: Config, task: TaskData, model_config: ModelConfig, device: str) -> dict[str, Metrics]:
    model = load_model(model_config, device)
    dims = measured_dims(recipe, full_dimension(model))
    return {split: s.metrics for split, s in score_splits(model, task, dims, recipe.eval.batch_size).items()}


def _search(study: StudyPaths, config: Config) -> dict[str, Any]:
    definition, board = require_definition(study, []), board_of(study, config)
    return {
        **definition,
        "states": {state: count for state, count in board["states"].items() if count},
        "seconds": sum(entry["seconds"] for entry in board["trials"]),
        "data": board["data"],
    }


def _card_inputs(
    name: str, study: StudyPaths, record: TrialRecord, recipe: Config, task: TaskData,
    scores: Mapping[str, Metrics], baseline: Mapping[str, Metrics], summary: Mapping[str, Any],
) -> CardInputs:  # fmt: skip
    trial = study.trial(record.number)
    facts = archive.read_facts(trial)
    if facts is None:
        raise ReleaseError(
            f"trial {record.number} must have {trial.training.name}, but it is gone. Release another trial."
        )
    return CardInputs(
        name=name,
        record=record,
        facts=facts,
        evaluations=archive.read_evaluations(trial),
        scores=scores,
        baseline=baseline,
        objective=recipe.eval.objective,
        study=summary,
        usage=usage_example(task.splits["validation"]),
        widget=widget_examples(task.splits["validation"]),
    )


def _register(
    config: Config, target: Path, name: str, record: TrialRecord, scores: Mapping[str, Metrics]
) -> str | None:
    if not (config.release.register and config.tracking.enabled):
        return None
    metrics = scores.get("test", scores["validation"])
    tags = {"embedtune.study": record.study, "embedtune.trial": str(record.number)}
    try:
        store = open_store(config.tracking, workspace(config))
        return register_release(
            store, target, name=name, alias=config.release.alias, metrics=metrics, run_id=record.run_id, tags=tags
        )
    except TrackingError as error:
        logger.warning("Exported, but not registered: %s", error)
        return None


def _parts(document: Mapping[str, Any], config: Config) -> tuple[Any, ...]:
    objective = document["objective"]
    rows = [
        [split, dim, f"{document['untuned'][split][dim][objective]:.4f}", f"{metrics[objective]:.4f}"]
        for split, dims in document["scores"].items()
        for dim, metrics in dims.items()
    ]
    title = f"{document['release']}: trial {document['trial']} of {document['study']}, {objective}"
    lines = [f"Folder:     {document['folder']}  (SentenceTransformer loads it; README.md is its card)"]
    if document["version"] is not None:
        version = f"{document['release']} version {document['version']} @{config.release.alias}"
        lines.append(f"Registered: {version}  (python -m embedtune ui, Models)")
        lines += browse_line(config, document["study"])
    return (make_table(["split", "dimension", "untuned", "released"], rows, title), *lines)
