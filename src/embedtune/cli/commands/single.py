"""No command: fine-tune and evaluate one configuration."""

from __future__ import annotations

from typing import Any

from embedtune import archive
from embedtune.cli.commands.answer import Answer, workspace
from embedtune.cli.commands.studies import board_of, board_parts
from embedtune.cli.commands.ui import browse_line
from embedtune.cli.output import quiet_libraries
from embedtune.cli.overrides import typed_keys
from embedtune.config import Config, plain, value_of
from embedtune.records import State
from embedtune.reporting.live import View
from embedtune.sweep.single import run_single
from embedtune.sweep.space.space import SEARCHABLE
from embedtune.trial.bench import prepare


def train(config: Config) -> Answer:
    """Train, evaluate and record; the answer ranks the new trial among those run before on the same data."""
    quiet_libraries()
    bench = prepare(config)
    with View() as view:
        study, number = run_single(config, bench, workspace(config), view, _typed_params(config))
    board = board_of(study, config)
    record = archive.read_record(study, number)
    done = record is not None and record.state == State.COMPLETE
    trial = f"Trial {number} of {study.root}"
    lines = [
        f"{trial}: {record.state.value if record else 'lost'}{'' if done or not record else f' ({record.reason})'}"
    ]
    if done:
        lines.append(f"Release: python -m embedtune release study.name={study.name} release.trial={number}")
    parts = (*board_parts(board), *lines, *browse_line(config))
    return Answer(board.to_dict(), parts, status=0 if done else 1)


def _typed_params(config: Config) -> dict[str, Any]:
    """The training settings as typed, which distinguish single runs from one another."""
    tree = plain(config)
    keys = [key for key in typed_keys() if key.partition(".")[0] in SEARCHABLE and "." in key]
    return {key: value_of(tree, key) for key in keys}
