"""``-m sweep=optuna``: run a study, or be one of its workers; called by the Hydra plugin."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, open_dict

from embedtune.commands.address import browse_line
from embedtune.commands.answer import Answer, workspace
from embedtune.commands.studies import board_of
from embedtune.config import Config, to_config
from embedtune.errors import StudyError
from embedtune.quiet import quiet_libraries
from embedtune.reporting.live import View
from embedtune.reporting.tables import leaderboard_table, stdout_width
from embedtune.sweep.events import EventWriter
from embedtune.sweep.plan import plan_sweep
from embedtune.sweep.supervisor import worker_command
from embedtune.sweep.sweeper import run_sweep, run_worker


def sweep(loader: ConfigLoader, master: DictConfig, arguments: Sequence[str], sweeper: Mapping[str, Any]) -> None:
    """Run the study, then print its ranked table, where to look, and what to type next.

    Raises:
        UserError: Before anything is written, with every problem found.
        StudyError: No trial was completed.
    """

    def compose(overrides: list[str]) -> Config:
        cfg = loader.load_sweep_config(master, overrides)
        with open_dict(cfg):
            del cfg["hydra"]
        return to_config(cfg)

    answers, worker = sys.stdout, sweeper.get("worker")
    with contextlib.redirect_stdout(sys.stderr):
        quiet_libraries()
        plan = plan_sweep(compose, arguments, sweeper)
        if worker is not None:
            run_worker(plan, compose, workspace(plan.config), EventWriter(answers), int(worker))
            return
        with View() as view:
            study = run_sweep(plan, compose, workspace(plan.config), view, worker_command(sys.argv[1:]))
        board = board_of(study, plan.config)
    Answer(board, (leaderboard_table(board, stdout_width()), *_next_steps(plan.config, board))).show(plan.config.format)
    if not board["states"]["complete"]:
        reasons = sorted({str(entry["reason"]) for entry in board["trials"] if entry["reason"]})
        raise StudyError(f"study {study.name} completed no trial. Reasons: {'; '.join(reasons) or 'none recorded'}")


def _next_steps(config: Config, board: Mapping[str, Any]) -> list[str]:
    study = board["study"]
    return [*browse_line(config, study), f"Release: python -m embedtune release study.name={study}"]
