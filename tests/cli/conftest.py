"""A small task on disk and a way to type commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from embedtune.cli.main import main
from embedtune.records import RetrievalSet


@dataclass(frozen=True)
class Typed:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], workdir: Path) -> Callable[..., Typed]:
    """Type a command in an empty working directory."""

    def run(*arguments: str) -> Typed:
        capsys.readouterr()
        status = main(arguments)
        out, err = capsys.readouterr()
        return Typed(status, out, err)

    return run


@pytest.fixture
def task_folder(workdir: Path, small_set: RetrievalSet) -> Path:
    """The small corpus as one-object JSON, the same queries reworded for each split."""
    folder = workdir / "small task"
    folder.mkdir()
    for split, prefix in (("training", ""), ("val", "tell me "), ("test", "say ")):
        document = {
            "questions": {key: prefix + text for key, text in small_set.queries.items()},
            "relevant_contexts": {key: sorted(ids) for key, ids in small_set.relevant.items()},
            "corpus": {key: f"{split}: {text}" for key, text in small_set.corpus.items()},
        }
        (folder / f"{split}.jsonl").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return folder
