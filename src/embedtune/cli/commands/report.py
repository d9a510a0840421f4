"""``report``: the study as one page and its plots, delivered to the study's run; or data as one page."""

from __future__ import annotations

from dataclasses import replace

from embedtune import archive
from embedtune.cli.commands.answer import Answer, workspace
from embedtune.cli.commands.data import report_data
from embedtune.cli.commands.studies import board_of, chosen_study
from embedtune.cli.commands.ui import browse_line
from embedtune.cli.overrides import typed_keys
from embedtune.cli.unused import is_about_data
from embedtune.config import Config
from embedtune.paths import StudyPaths, write_atomic
from embedtune.reporting.leaderboard import Board
from embedtune.reporting.page.again import command_again
from embedtune.reporting.page.differences import differing
from embedtune.reporting.page.figures.plots import draw_plots
from embedtune.reporting.page.inputs import ReportInputs
from embedtune.reporting.page.page import render_page
from embedtune.reporting.page.verdict import give_verdict
from embedtune.study.default_trial import default_trial
from embedtune.study.own import require_own_folders
from embedtune.sweep.delivery import Delivery
from embedtune.sweep.space.space import build_space


def report(config: Config) -> Answer:
    """Write ``report.html`` and ``plots/`` of ``study.name``, and deliver them to tracking; or the page of the data."""
    if is_about_data(config, typed_keys()):
        return report_data(config)
    study = chosen_study(config)
    require_own_folders(study)
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
    board = board_of(study, config)
    default = default_trial(study, board.definition, (entry.record for entry in board.trials))
    if not board.definition.is_sweep:
        board = _with_differences(study, board)
    folders = [study.baseline, *(study.trial(entry.number) for entry in board.trials)]
    configured = next((config for config in map(archive.read_config, folders) if config is not None), None)
    return ReportInputs(
        board=board,
        evaluations={entry.number: archive.read_evaluations(study.trial(entry.number)) for entry in board.trials},
        distributions=build_space((), board.definition.search.space, (), sized=True).distributions,
        command=None if configured is None else command_again(board.definition, configured),
        default_trial=default,
    )


def _with_differences(study: StudyPaths, board: Board) -> Board:
    """Trials of single configurations, with what differs between these as their parameters."""
    params = differing({entry.number: archive.read_config(study.trial(entry.number)) or {} for entry in board.trials})
    trials = (replace(entry, record=replace(entry.record, params=params[entry.number])) for entry in board.trials)
    return replace(board, trials=tuple(trials))
