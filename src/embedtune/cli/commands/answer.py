"""What a command returns."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from rich.table import Table

from embedtune.config import Config, Format
from embedtune.config.redaction import redact_text
from embedtune.paths import Workspace
from embedtune.reporting.tables import stdout_console
from embedtune.typed import Document

Part = str | Table
"""What an answer shows to people: a line, or a table."""


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
            sys.stdout.write(json.dumps(self.document, indent=2, ensure_ascii=False) + "\n")
        else:
            console = stdout_console()
            for part in self.parts:
                console.print(part, markup=False, soft_wrap=isinstance(part, str))
        sys.stdout.flush()


def typed_keys() -> list[str]:
    """The keys and groups that were typed on the command line."""
    if not HydraConfig.initialized():
        return []
    return [override.partition("=")[0].lstrip("+~") for override in HydraConfig.get().overrides.task]


def typed_command(name: str) -> str:
    """What was typed, for records: the command and its overrides, without secrets."""
    overrides = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    return redact_text(shlex.join(["embedtune", *([name] if name else []), *overrides]))


def workspace(config: Config) -> Workspace:
    """The folders of this configuration, absolute."""
    paths = config.paths
    return Workspace(Path(paths.sweeps).resolve(), Path(paths.mlruns).resolve(), Path(paths.releases).resolve())
