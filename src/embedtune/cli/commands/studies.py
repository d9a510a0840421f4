"""``studies`` and ``leaderboard``."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from embedtune import archive
from embedtune.api import load_study
from embedtune.cli.commands.answer import Answer, workspace
from embedtune.config import Config
from embedtune.errors import ConfigError, DataError
from embedtune.evaluation import read_judged
from embedtune.paths import StudyPaths
from embedtune.records import State
from embedtune.reporting.certainty import certainty_lines, with_certainty
from embedtune.reporting.leaderboard import leaderboard as rank_trials
from embedtune.reporting.tables import leaderboard_table, make_table, stdout_width
from embedtune.study.definition import require_definition


def leaderboard(config: Config) -> Answer:
    """Rank the trials of ``study.name``; without a name, of the only study there is."""
    board = board_of(chosen_study(config), config)
    return Answer(board, board_parts(board))


def studies(config: Config) -> Answer:
    """List the studies below ``paths.sweeps``."""
    boards = [_ranked(study, config) for study in workspace(config).studies()]
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


def board_of(study: StudyPaths, config: Config) -> dict[str, Any]:
    """The leaderboard of one study, and how far its values can be trusted."""
    board = _ranked(study, config)
    entries = [*board["trials"], *([board["baseline"]] if board["baseline"] else [])]
    scores = {}
    for number in (entry["number"] for entry in entries if entry["value"] is not None):
        with contextlib.suppress(DataError):  # gone or torn: that trial has no interval
            scores[number] = read_judged(study.trial(number), board["objective"])
    return with_certainty(board, scores, archive.read_openings(study))


def board_parts(board: Mapping[str, Any]) -> tuple[Any, ...]:
    """The leaderboard for people: the table, and what to know before its top is believed."""
    return (leaderboard_table(board, stdout_width()), *certainty_lines(board))


def _ranked(study: StudyPaths, config: Config) -> dict[str, Any]:
    record = load_study(study.name, study.root.parent, storage=config.study.storage)
    return rank_trials(record.definition.to_dict(), record.trials, record.states, record.baseline)


def _summary(board: dict[str, Any]) -> dict[str, Any]:
    ended = [entry for entry in board["trials"] if entry["state"] in (State.COMPLETE, State.PRUNED)]
    best, baseline = (ended or [None])[0], board["baseline"]
    return {
        "study": board["study"],
        "objective": board["objective"],
        "data": board["data"]["name"],
        "model": board["model"],
        "trials": f"{len(ended) + board['states']['fail']}/{board['n_trials']}",
        "best": round(best["value"], 4) if best and best["value"] is not None else None,
        "untuned": round(baseline["value"], 4) if baseline and baseline["value"] is not None else None,
    }
