"""``relocate``: mend a tracking store whose folder was moved."""

from __future__ import annotations

from dataclasses import asdict

from embedtune.commands.answer import Answer, workspace
from embedtune.config import Config
from embedtune.tracking import relocate_store


def relocate(config: Config) -> Answer:
    """Point the records of the tracking store at the folder where it is now."""
    done = relocate_store(config.tracking, workspace(config))
    backup = str(done.backup) if done.backup else None
    document = {**asdict(done), "backup": backup}
    if backup is None:
        return Answer(document, (f"Nothing to mend: the store names {done.new}.",))
    lines = [f"{place}: {rows} rows" for place, rows in done.changed.items()]
    moved = f"Mended: {', '.join(done.old)} -> {done.new}"
    return Answer(document, (moved, *lines, f"The database as it was: {backup}"))
