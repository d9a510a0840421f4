"""A study's folder apart from its trials: its definition, each reading of its test split, its decisions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from embedtune import typed
from embedtune.archive.documents import as_known, mapping, read_lines, read_yaml, reading
from embedtune.paths import StudyPaths, append_json_line
from embedtune.records import Opening, StudyDefinition


def read_definition(study: StudyPaths) -> StudyDefinition:
    """The definition of a study.

    Raises:
        FileNotFoundError: It has none.
        RecordError: It cannot be read.
    """
    return _definition(study.definition)


def known_definition(study: StudyPaths) -> StudyDefinition | None:
    """The definition of a study; None if it has none, or, with a warning, if it cannot be read."""
    return as_known(study.definition, _definition)


def record_opening(study: StudyPaths, reason: str, command: str = "") -> tuple[Opening, ...]:
    """Note that the test split is read now; call it before the reading.

    Args:
        study: Whose choice the reading judges.
        reason: What for, such as ``release NAME``.
        command: What was typed, without secrets.

    Returns:
        Every opening so far, this one last.
    """
    append_json_line(study.test_openings, asdict(Opening(int(time.time()), reason, command)))
    return read_openings(study)


def read_openings(study: StudyPaths) -> tuple[Opening, ...]:
    """Every reading of the test split that was recorded, the first one first."""
    return read_lines(study.test_openings, lambda values: typed.read(Opening, values, unknown=True))


def record_decision(study: StudyPaths, document: Mapping[str, Any]) -> Path:
    """Keep the decision of a release under the next number; creating its file claims it against another process."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    study.decisions.mkdir(parents=True, exist_ok=True)
    while True:
        taken = [int(file.stem) for file in study.decisions.glob("*.json") if file.stem.isdecimal()]
        path = study.decisions / f"{max(taken, default=0) + 1:04d}.json"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path


def _definition(path: Path) -> StudyDefinition:
    with reading(path):
        return StudyDefinition.from_dict(mapping(read_yaml(path)))
