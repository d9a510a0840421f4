"""``release``: choose a model, let the gate judge it, export it with card and evidence, register it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from embedtune import archive
from embedtune.cli.commands.answer import Answer, workspace
from embedtune.cli.commands.decision import decision_parts, release_parts
from embedtune.cli.commands.delivery import deliver, go_on
from embedtune.cli.commands.openings import open_test
from embedtune.cli.commands.registry import find_incumbent, is_asked_for, new_version
from embedtune.cli.commands.studies import board_of, chosen_study
from embedtune.cli.output import quiet_libraries
from embedtune.cli.overrides import typed_command
from embedtune.cli.recorded import recorded_recipe
from embedtune.config import Config
from embedtune.data.overlap import find_overlaps
from embedtune.errors import ConfigError, join_problems
from embedtune.paths import StudyPaths
from embedtune.ranking import pareto_front
from embedtune.records import Opening, TrialRecord
from embedtune.release.card.inputs import SearchSummary
from embedtune.release.choice.candidates import finalists
from embedtune.release.choice.case import TEST, VALIDATION, Case, open_case
from embedtune.release.choice.gather import gather
from embedtune.release.export.delivery import Delivery, save
from embedtune.release.export.evidence import check_reproduced
from embedtune.release.export.export import check_room, target_problems
from embedtune.release.export.hub import push_problems
from embedtune.release.export.onnx import onnx_problems
from embedtune.release.export.onnx_gate import measure_onnx
from embedtune.release.export.product import make_product
from embedtune.release.export.writing import Release, write_release
from embedtune.release.gate.decision import Decision
from embedtune.release.gate.forward import put_forward
from embedtune.release.gate.measurements import RELEASED, UNTUNED, Measured, judge_product, measure_all, measure_sizes
from embedtune.statistics import Criterion
from embedtune.study.default_trial import default_trial
from embedtune.study.definition import require_definition
from embedtune.study.own import require_own_folders
from embedtune.typed import Document


def release(config: Config) -> Answer:
    """Choose a candidate on validation, judge it on test, export it, check the export, register it.

    Raises:
        ConfigError: No trial can be released, or the target exists.
        ReleaseError: Scores are not reproduced, or the data changed.
    """
    quiet_libraries()
    study = chosen_study(config)
    require_own_folders(study)
    name = config.release.name or study.name
    target = workspace(config).releases / name
    begun = go_on(config, study, name)
    if begun is not None:
        return begun
    records = list(archive.read_records(study))
    case = _open(config, study, records, target)
    criterion = Criterion(config.release.level, config.release.margin)
    with _scratch(study) as scratch:
        incumbent = find_incumbent(config, name, scratch)
        decision = put_forward(case, gather(case, records, incumbent, scratch), criterion)
        chosen = decision.selection.chosen
        if not chosen.is_releasable:
            return _refused(case, name, decision)
        case = case.of(chosen.numbers[0])
        product = make_product(case, chosen, {record.number: record for record in records}, scratch)
        model = case.load(product.folder)  # once for all that is measured; what is exported is loaded again
        validated = case.measure(model, VALIDATION)
        product = product.scored(validated.metrics, case.objective, decision.dim)
        check_reproduced(product.record.metrics, validated.metrics)
        check_room(product.folder, target)
        if case.has_test:  # from here on it is read, whatever comes of it
            decision = replace(decision, openings=_open_test(config, case, name))
        measured = measure_all(case, product.record, model, validated, incumbent)
        verdict = judge_product(case, measured, records, criterion)
        decision = replace(decision, judged_on=measured.judge, verdict=verdict)
        if not decision.promoted:
            return _refused(case, name, decision, measured)
        decision = replace(decision, sizes=measure_sizes(case, model, measured, criterion))
        onnx = measure_onnx(case, product, measured, criterion, scratch / "model.onnx") if case.options.onnx else None
        made = Release(name, case, product, measured, decision, _search(case, config), onnx)
        document = _document(case, name, decision, measured)
        document |= {"folder": str(target), "onnx": onnx and onnx.to_dict()}
        asked = replace(config.release, register=is_asked_for(config))
        delivery = Delivery(name, str(target), asked, new_version(config, made), document)
        save(study, delivery)  # before the export: whatever comes after it is taken up by the next call
        write_release(made, target)
        _keep(case, name, decision)
    done = deliver(config, study, delivery)
    document |= {"version": done.version, "hub": done.hub}
    parts = release_parts(made, config, str(target), done.version, done.hub)
    return Answer(document, [*parts, *_front_lines(case, records)], done.status)


def _open(config: Config, study: StudyPaths, records: Sequence[TrialRecord], target: Path) -> Case:
    """The case, if something can be released and the folder is usable; reports all problems at once."""
    problems = target_problems(target, config.release.overwrite)
    options, definition = config.release, require_definition(study, [])
    problems += [*onnx_problems(options.onnx), *push_problems(options.push_to_hub)]
    try:
        default = default_trial(study, definition, records)
        first = finalists(records, default, limit=options.candidates, number=options.trial)[0]
    except ConfigError as error:
        raise ConfigError(join_problems([*problems, str(error)])) from error
    if problems:
        raise ConfigError(join_problems(problems))
    return open_case(study, definition, first, config, recorded_recipe(config, study, first.number))


@contextmanager
def _scratch(study: StudyPaths) -> Iterator[Path]:
    """A folder beside the checkpoints, where hard links to them can be made."""
    with tempfile.TemporaryDirectory(dir=study.root, prefix="release-") as folder:
        yield Path(folder)


def _open_test(config: Config, case: Case, name: str) -> tuple[Opening, ...]:
    """Note in every study with this test split that it is read now; every reading for this study so far."""
    digest, reason = case.bench.task.digests[TEST], f"release {name}"
    return open_test(config, digest, reason, typed_command("release"), own=case.study)[case.study.name]


def _refused(case: Case, name: str, decision: Decision, measured: Measured | None = None) -> Answer:
    """A refusal is an answer: nothing is exported or registered, and the reasons are kept with the study."""
    _keep(case, name, decision)
    return Answer(_document(case, name, decision, measured), list(decision_parts(decision)), status=1)


def _document(case: Case, name: str, decision: Decision, measured: Measured | None) -> Document:
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


def _keep(case: Case, name: str, decision: Decision) -> None:
    """Keep the decision with the study, once it has been carried out."""
    archive.record_decision(case.study, {"release": name, "study": case.study.name, **decision.to_dict()})


def _search(case: Case, config: Config) -> SearchSummary:
    board = board_of(case.study, config)
    seconds = sum(round(entry.record.seconds, 3) for entry in board.trials)
    return SearchSummary(case.definition, board.states, seconds, tuple(find_overlaps(case.bench.task)))


def _front_lines(case: Case, records: Sequence[TrialRecord]) -> list[str]:
    """With two objectives, which trials a person may prefer to the one of the best value."""
    front = pareto_front(records)
    named = ", ".join(f"{record.number}{'' if record.checkpoint else ' (no weights)'}" for record in front)
    second = case.definition.objective.second
    size = " release.dim=SIZE" if second is not None and second.is_size else ""
    return [f"Front:      trials {named}; release.trial=NUMBER{size} names one of them"] if front else []
