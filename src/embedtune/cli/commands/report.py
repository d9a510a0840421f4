"""``report``: the study as one page and its plots, delivered to the study's run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from embedtune import archive
from embedtune.cli.commands.answer import Answer, workspace
from embedtune.cli.commands.studies import board_of, chosen_study
from embedtune.cli.commands.ui import browse_line
from embedtune.config import Config
from embedtune.errors import DataError
from embedtune.evaluation import read_judged
from embedtune.paths import StudyPaths, write_atomic
from embedtune.records import State, TrialRecord
from embedtune.reporting.certainty import certainty_lines
from embedtune.reporting.page.again import command_again
from embedtune.reporting.page.differences import differing
from embedtune.reporting.page.figures.plots import draw_plots
from embedtune.reporting.page.inputs import ReportInputs
from embedtune.reporting.page.page import render_page
from embedtune.reporting.page.verdict import give_verdict
from embedtune.study.definition import require_definition
from embedtune.sweep.delivery import Delivery
from embedtune.sweep.space.space import build_space


def report(config: Config) -> Answer:
    """Write ``report.html`` and ``plots/`` of ``study.name``, and deliver them to tracking."""
    study = chosen_study(config)
    inputs = _inputs(study, config)
    plots = draw_plots(inputs)
    pictures = {study.plots / f"{plot.name}.png": plot.picture for plot in plots}
    for path, picture in pictures.items():
        if picture is None:
            path.unlink(missing_ok=True)  # of an earlier report
        else:
            write_atomic(path, picture.png)
    write_atomic(study.report, render_page(inputs, plots))
    Delivery.open(config, workspace(config), study, grouped=inputs.is_sweep).summary()
    verdict = give_verdict(inputs)
    line = f"{verdict.headline} {verdict.outcome}"
    document = {
        "study": study.name,
        "report": str(study.report),
        "plots": [str(path) for path, picture in pictures.items() if picture is not None],
        "verdict": line,
    }
    return Answer(document, (line, f"Report:  {study.report}", *browse_line(config, study.name)))


def _inputs(study: StudyPaths, config: Config) -> ReportInputs:
    """Read all a report needs."""
    definition, board = require_definition(study, []), board_of(study, config)
    counted = {entry["number"] for entry in board["trials"]}
    records = tuple(record for record in archive.read_records(study) if record.number in counted)
    if not definition.is_sweep:
        records = _with_differences(study, records)
    trials = [study.baseline, *(study.trial(record.number) for record in records)]
    configured = next((trial for trial in trials if trial.config.is_file()), None)
    return ReportInputs(
        definition=definition.to_dict(),
        records=records,
        baseline=archive.read_record(study, -1),
        evaluations={record.number: archive.read_evaluations(study.trial(record.number)) for record in records},
        distributions=build_space((), definition.search.space, (), sized=True).distributions,
        states={State(name): count for name, count in board["states"].items()},
        queries=_queries(study, [-1, *sorted(counted)]),
        command=command_again(definition.to_dict(), archive.read_config(configured)) if configured else None,
        intervals=_intervals(board),
        cautions=tuple(certainty_lines(board)),
    )


def _with_differences(study: StudyPaths, records: Iterable[TrialRecord]) -> tuple[TrialRecord, ...]:
    """Trials of single configurations, with what differs between these as their parameters."""
    params = differing({record.number: archive.read_config(study.trial(record.number)) for record in records})
    return tuple(replace(record, params=params[record.number]) for record in records)


def _intervals(board: Mapping[str, Any]) -> dict[int, tuple[float, float]]:
    entries = [*board["trials"], *([board["baseline"]] if board["baseline"] else [])]
    known = [entry for entry in entries if entry["interval"] is not None]
    return {entry["number"]: (entry["interval"][0], entry["interval"][1]) for entry in known}


def _queries(study: StudyPaths, numbers: list[int]) -> int | None:
    """How many queries an evaluation has, by the first scores that are still there."""
    for number in numbers:
        try:
            return len(read_judged(study.trial(number)).query_ids)
        except DataError:
            continue
    return None
