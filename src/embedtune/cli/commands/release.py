"""``release``: choose a model, let the gate judge it, export it with card and evidence, register it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from embedtune import archive
from embedtune.cli.commands.answer import Answer, typed_command, workspace
from embedtune.cli.commands.decision import decision_parts, release_parts
from embedtune.cli.commands.openings import open_test
from embedtune.cli.commands.studies import board_of, chosen_study
from embedtune.cli.output import quiet_libraries
from embedtune.config import Config
from embedtune.data.overlap import find_overlaps
from embedtune.errors import ConfigError, TrackingError, join_problems
from embedtune.paths import StudyPaths
from embedtune.ranking import pareto_front
from embedtune.records import TrialRecord
from embedtune.release.choice.candidates import Incumbent, default_trial, finalists
from embedtune.release.choice.case import TEST, VALIDATION, Case, open_case
from embedtune.release.choice.gather import gather
from embedtune.release.export.evidence import check_reproduced
from embedtune.release.export.export import target_problems
from embedtune.release.export.hub import push_problems, push_to_hub
from embedtune.release.export.onnx import onnx_problems
from embedtune.release.export.onnx_gate import measure_onnx
from embedtune.release.export.product import Product, make_product
from embedtune.release.export.writing import write_release
from embedtune.release.gate.decision import Decision
from embedtune.release.gate.forward import put_forward
from embedtune.release.gate.measurements import RELEASED, UNTUNED, Measured, judge_product, measure_all, measure_sizes
from embedtune.statistics import Criterion
from embedtune.study.definition import require_definition
from embedtune.tracking import find_champion, open_store, register_release, version_tags

logger = logging.getLogger(__name__)


def release(config: Config) -> Answer:
    """Choose a candidate on validation, judge it on test, export it, check the export, register it.

    Raises:
        ConfigError: No trial can be released, or the target exists.
        ReleaseError: Scores are not reproduced, or the data changed.
    """
    quiet_libraries()
    study = chosen_study(config)
    name = config.release.name or study.name
    target = workspace(config).releases / name
    records = list(archive.read_records(study))
    case = _open(config, study, records, target)
    criterion = Criterion(config.release.level, config.release.margin)
    with _scratch(study) as scratch:
        incumbent = _incumbent(config, name, scratch)
        pool = gather(case, records, incumbent, scratch)
        decision = put_forward(case, pool, criterion)
        if not decision.selection.chosen.is_releasable:
            return _refused(case, name, decision)
        case = case.of(decision.selection.chosen.numbers[0])
        product = make_product(case, decision.selection.chosen, {record.number: record for record in records}, scratch)
        validated = case.measure(case.load(product.folder), VALIDATION)
        product = product.scored(validated.metrics, case.objective, case.dim)
        check_reproduced(product.record.metrics, validated.metrics)
        if case.has_test:  # from here on it is read, whatever comes of it
            reason, command, digest = f"release {name}", typed_command("release"), case.bench.task.digests[TEST]
            openings = open_test(config, digest, reason, command, own=study)
            decision = replace(decision, openings=openings[study.name])
        measured = measure_all(case, product.folder, validated, incumbent)
        verdict = judge_product(case, measured, records, criterion)
        decision = replace(decision, judged_on=measured.judge, verdict=verdict)
        if not decision.promoted:
            return _refused(case, name, decision, measured)
        decision = replace(decision, sizes=measure_sizes(case, product.folder, measured, criterion))
        onnx = measure_onnx(case, product, measured, criterion, scratch / "model.onnx") if case.options.onnx else None
        document = _document(case, name, decision, measured)
        summary = _search(case, config)
        write_release(case, target, product, measured, onnx, decision=document["decision"], summary=summary)
        _record(case, document)
    document |= {"folder": str(target), "onnx": onnx.to_dict() if onnx else None}
    document["version"] = _register(config, target, name, product, measured, decision)
    if config.release.push_to_hub is not None:
        document["hub"] = push_to_hub(target, config.release.push_to_hub, message=f"Release {name}")
    return Answer(document, (*release_parts(document, config), *_front_lines(case, records)))


def _open(config: Config, study: StudyPaths, records: Sequence[TrialRecord], target: Path) -> Case:
    """The case, if something can be released and the folder can be had; says all problems at once."""
    problems = target_problems(target, config.release.overwrite)
    options, definition = config.release, require_definition(study, [])
    problems += [*onnx_problems(options.onnx), *push_problems(options.push_to_hub)]
    try:
        default = default_trial(records, definition)
        first = finalists(records, default, limit=options.candidates, number=options.trial)[0]
    except ConfigError as error:
        raise ConfigError(join_problems([*problems, str(error)])) from error
    if problems:
        raise ConfigError(join_problems(problems))
    return open_case(study, definition, first, config)


@contextmanager
def _scratch(study: StudyPaths) -> Iterator[Path]:
    """A folder beside the checkpoints, where hard links to them can be made."""
    with tempfile.TemporaryDirectory(dir=study.root, prefix="release-") as folder:
        yield Path(folder)


def _incumbent(config: Config, name: str, scratch: Path) -> Incumbent | None:
    """The registry's champion of this name, if there is a registry and it has one.

    Raises:
        TrackingError: The registry does not answer; nobody can be promoted over a champion that is not known.
    """
    if not (config.release.register and config.tracking.enabled):
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


def _refused(case: Case, name: str, decision: Decision, measured: Measured | None = None) -> Answer:
    """A refusal is an answer: nothing is exported or registered, and why is kept with the study."""
    document = _document(case, name, decision, measured)
    _record(case, document)
    return Answer(document, tuple(decision_parts(document["decision"])), status=1)


def _document(case: Case, name: str, decision: Decision, measured: Measured | None) -> dict[str, Any]:
    """The command's answer, of a release that is neither exported nor registered yet."""
    numbers = decision.selection.chosen.numbers
    return {
        "release": name,
        "folder": None,
        "study": case.study.name,
        "trial": numbers[0] if numbers else None,
        "objective": case.objective,
        "version": None,
        "onnx": None,
        "hub": None,
        "scores": measured.metrics(RELEASED) if measured else {},
        "untuned": measured.metrics(UNTUNED) if measured else {},
        "decision": decision.to_dict(),
    }


def _record(case: Case, document: Mapping[str, Any]) -> None:
    """Keep the decision with the study, once what it says was done."""
    named = {"release": document["release"], "study": document["study"]}
    archive.record_decision(case.study, {**named, **document["decision"]})


def _search(case: Case, config: Config) -> dict[str, Any]:
    board = board_of(case.study, config)
    return {
        **case.definition.to_dict(),
        "states": {state.value: count for state, count in board.states.items() if count},
        "seconds": sum(round(entry.record.seconds, 3) for entry in board.trials),
        "data": {
            "name": board.definition.data.name,
            "source": board.definition.data.source,
            "digests": dict(board.definition.data.digests),
        },
        "leakage": list(find_overlaps(case.bench.task)),
    }


def _register(
    config: Config, target: Path, name: str, product: Product, measured: Measured, decision: Decision
) -> str | None:
    if not (config.release.register and config.tracking.enabled):
        return None
    scores, record = measured.metrics(RELEASED), product.record
    tags = version_tags(
        study=record.study,
        trial=", ".join(map(str, product.parts)) or str(record.number),
        objective=decision.objective,
        dim=decision.dim,
        values={split: metrics[str(decision.dim)][decision.objective] for split, metrics in scores.items()},
        digests=record.facts.get("digests", {}),
    )
    try:
        return register_release(
            open_store(config.tracking, workspace(config)),
            target,
            name=name,
            alias=config.release.alias,
            metrics=scores.get(TEST, scores[VALIDATION]),
            run_id=record.run_id,
            tags=tags,
            promote=decision.gated,  # what the gate did not judge is no champion
            description="\n\n".join(decision.reasons),
        )
    except TrackingError as error:
        logger.warning("Exported, but not registered: %s", error)
        return None


def _front_lines(case: Case, records: Sequence[TrialRecord]) -> list[str]:
    """With two objectives, which trials a person may prefer to the one of the best value."""
    front = pareto_front(records)
    named = ", ".join(f"{record.number}{'' if record.checkpoint else ' (no weights)'}" for record in front)
    second = case.definition.objective.second
    size = " release.dim=SIZE" if second is not None and second.is_size else ""
    return [f"Front:      trials {named}; release.trial=NUMBER{size} names one of them"] if front else []
