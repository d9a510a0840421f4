"""The return value of a command."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from embedtune.config import Config, Format
from embedtune.config.redaction import hide
from embedtune.paths import Workspace
from embedtune.reporting.tables import stdout_console
from embedtune.typed import Document

Part = str | Table
"""A part of an answer as people see it: a line, or a table."""


@dataclass(frozen=True)
class Answer:
    """A command's answer in both forms.

    Attributes:
        document: For ``format=json``.
        parts: For people.
        status: The exit status.
    """

    document: Document
    parts: Sequence[Part] = ()
    status: int = 0

    def show(self, form: Format) -> None:
        """Print on stdout: one JSON document and nothing else, or tables for people."""
        if form == Format.json:
            sys.stdout.write(json.dumps(hide(self.document), indent=2, ensure_ascii=False) + "\n")
        else:
            console = stdout_console()
            for part in self.parts:
                console.print(hide(part), markup=False, soft_wrap=isinstance(part, str))
        sys.stdout.flush()


def workspace(config: Config) -> Workspace:
    """The folders of this configuration, absolute."""
    paths = config.paths
    return Workspace(Path(paths.sweeps).resolve(), Path(paths.mlruns).resolve(), Path(paths.releases).resolve())
