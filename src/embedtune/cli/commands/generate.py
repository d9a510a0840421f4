"""``generate``: questions for documents that have none, written as a data set."""

from __future__ import annotations

import os
from collections.abc import Iterator

from embedtune.cli.commands.answer import Answer, Part
from embedtune.cli.output import quiet_libraries
from embedtune.config import Config
from embedtune.config.grammar import quote
from embedtune.generation.generate import generate as write
from embedtune.reporting.tables import make_table
from embedtune.typed import Document


def generate(config: Config) -> Answer:
    """Write the folder, or say that it is there."""
    quiet_libraries()
    document = write(config)
    return Answer(document, list(_parts(document)))


def _parts(document: Document) -> Iterator[Part]:
    counts, how = document["counts"], document["model"] or "the passages"
    rows = [
        ["documents", counts["documents"]],
        ["passages", counts["passages"]],
        ["without an answer", counts["unanswered"]],
        ["questions", counts["questions"]],
        *([f"left out: {reason.replace('_', ' ')}", count] for reason, count in counts["dropped"].items()),
        *([f"queries of {split}", count] for split, count in counts["queries"].items()),
    ]
    yield make_table(["", "count"], rows, f"Questions of {how}")
    if document["was_there"]:
        yield "It was there already, made with the same settings; nothing was asked."
    folder = os.path.relpath(document["folder"])
    yield f"Folder:  {document['folder']}"
    yield f"Look:    python -m embedtune data data=files data.path={quote(folder)}"
    yield f"Search:  python -m embedtune -m sweep=optuna data=files data.path={quote(folder)} study.name=NAME"
