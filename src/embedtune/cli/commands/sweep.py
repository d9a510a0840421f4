"""``-m sweep=optuna``: run a study, or be one of its workers; called by the Hydra plugin."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from hydra.types import HydraContext
from omegaconf import DictConfig

from embedtune.cli.commands.answer import Answer, workspace
from embedtune.cli.commands.job import Job, composer, launcher_of
from embedtune.cli.commands.studies import board_of, board_parts
from embedtune.cli.commands.ui import browse_line
from embedtune.cli.output import quiet_libraries
from embedtune.cli.overrides import hand_over, referring, typed_keys
from embedtune.cli.unused import say_unused
from embedtune.config import Config
from embedtune.config.redaction import redact_text
from embedtune.errors import DeviceLost, DiskFull, SpaceUsedUp, StudyError
from embedtune.records import Settings, State
from embedtune.reporting.live import View
from embedtune.study.definition import study_name
from embedtune.sweep.plan import plan_sweep
from embedtune.sweep.sweeper import run_sweep, run_worker
from embedtune.sweep.workers.events import EventWriter
from embedtune.sweep.workers.supervisor import worker_command


def sweep(
    context: HydraContext,
    master: DictConfig,
    arguments: Sequence[str],
    sweeper: Settings,
    line: Sequence[str],
) -> None:
    """Run the study, then print its ranked table, where to look, and what to type next.

    Args:
        context: Of Hydra.
        master: What Hydra composed for the sweep.
        arguments: Overrides of the command line, without those of Hydra.
        sweeper: ``hydra.sweeper``.
        line: All that was typed, for the workers.

    Raises:
        UserError: Before anything is written, with every problem found.
        StudyError: No trial was completed.
    """
    compose = composer(context.config_loader, master)
    answers, worker = sys.stdout, sweeper.get("worker")
    with contextlib.redirect_stdout(sys.stderr):
        quiet_libraries()
        plan = plan_sweep(compose, arguments, sweeper, workspace)
        if worker is not None:
            try:
                run_worker(plan, compose, workspace(plan.config), EventWriter(answers), int(worker))
            except (DeviceLost, DiskFull, SpaceUsedUp) as error:
                sys.stderr.write(redact_text(f"{error}\n"))
                sys.exit(error.STATUS)  # its supervisor knows what to do
            return
        space = workspace(plan.config)
        say_unused("-m", plan.config, typed_keys())
        folder = space.study(study_name(plan.config)).root / "workers"
        words, secrets = hand_over([*line, *arguments])
        os.environ.update(secrets)  # workers are given this environment
        told = tuple(words[len(line) :])
        job = Job(context.config_loader, referring(master, secrets), told, sweeper, debug="--debug" in line)
        launch = launcher_of(context, job, folder)
        with View() as view:
            study = run_sweep(plan, compose, space, view, worker_command(words[: len(line)]), launch)
        board = board_of(study, plan.config)
    parts = (*board_parts(board), *_next_steps(plan.config, study.name))
    Answer(board.to_dict(), parts).show(plan.config.format)
    if not board.states.get(State.COMPLETE):
        reasons = sorted({entry.record.reason for entry in board.trials if entry.record.reason})
        raise StudyError(f"study {study.name} completed no trial. Reasons: {'; '.join(reasons) or 'none recorded'}")


def _next_steps(config: Config, study: str) -> list[str]:
    return [*browse_line(config, study), f"Release: python -m embedtune release study.name={study}"]
