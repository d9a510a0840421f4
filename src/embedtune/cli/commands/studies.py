"""``studies`` and ``leaderboard``."""

from __future__ import annotations

import contextlib

from embedtune import archive
from embedtune.api import load_study
from embedtune.cli.commands.answer import Answer, Part, workspace
from embedtune.config import Config
from embedtune.errors import ConfigError, DataError
from embedtune.evaluation import read_judged
from embedtune.paths import StudyPaths
from embedtune.ranking import ENDED
from embedtune.records import State
from embedtune.reporting.certainty import certainty_lines, with_certainty
from embedtune.reporting.leaderboard import Board, Entry
from embedtune.reporting.leaderboard import leaderboard as rank_trials
from embedtune.reporting.tables import leaderboard_table, make_table, stdout_width
from embedtune.study.definition import readable_definitions, require_definition


def leaderboard(config: Config) -> Answer:
    """Rank the trials of ``study.name``; without a name, of the only study there is."""
    board = board_of(chosen_study(config), config)
    return Answer(board.to_dict(), board_parts(board))


def studies(config: Config) -> Answer:
    """List the studies below ``paths.sweeps``."""
    boards = [_ranked(study, config) for study, _ in readable_definitions(workspace(config))]
    entries = [_summary(board) for board in boards]
    columns = ["study", "objective", "data", "model", "trials", "best", "untuned"]
    rows = [[entry[column] if entry[column] is not None else "-" for column in columns] for entry in entries]
    empty = (f"No study in {workspace(config).sweeps} yet. Begin one: python -m embedtune -m sweep=optuna",)
    return Answer({"studies": entries}, (make_table(columns, rows),) if rows else empty)


def chosen_study(config: Config) -> StudyPaths:
    """The study named, or the only one.

    Raises:
        ConfigError: None or several fit.
    """
    space = workspace(config)
    names = [study.name for study in space.studies()]
    if config.study.name is not None:
        study = space.study(config.study.name)
        require_definition(study, names)
        return study
    if len(names) != 1:
        raise ConfigError(
            f"study.name must be given, but got nothing. In {space.sweeps}: {', '.join(names) or 'none yet'}."
        )
    return space.study(names[0])


def board_of(study: StudyPaths, config: Config) -> Board:
    """The leaderboard of one study, and how far its values can be trusted."""
    board, scores = _ranked(study, config), {}
    for record in (entry.record for entry in board.entries if entry.record.value is not None):
        with contextlib.suppress(DataError):  # gone or torn: that trial has no interval
            scores[record.number] = read_judged(study.of(record.name), board.metric)
    return with_certainty(board, scores, archive.read_openings(study))


def board_parts(board: Board) -> tuple[Part, ...]:
    """The leaderboard for people: the table, and what to know before its top is believed."""
    return (leaderboard_table(board, stdout_width()), *certainty_lines(board))


def _ranked(study: StudyPaths, config: Config) -> Board:
    record = load_study(study.name, study.root.parent, storage=config.study.storage)
    return rank_trials(record.definition, record.trials, record.states, record.baselines)


def _summary(board: Board) -> dict[str, str | float | None]:
    """A line of ``studies``, and its entry in JSON."""
    ended = sum(entry.record.state in ENDED for entry in board.trials)
    return {
        "study": board.definition.name,
        "objective": board.metric,
        "data": board.definition.data.name,
        "model": board.definition.base_model,
        "trials": f"{ended + board.states.get(State.FAIL, 0)}/{board.n_trials}",
        "best": _rounded(board.best),
        "untuned": _rounded(board.baseline),
    }


def _rounded(entry: Entry | None) -> float | None:
    return None if entry is None or entry.record.value is None else round(entry.record.value, 4)
