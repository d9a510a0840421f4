"""The folder that is written: beside it while questions are asked, renamed into place when it is whole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from embedtune.data.readers.synthetic import SYNTHETIC
from embedtune.errors import ConfigError
from embedtune.generation.filtering import Query
from embedtune.generation.passages import Passage, Question
from embedtune.paths import append_json_line, write_atomic, write_json
from embedtune.typed import Document

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"
"""As BEIR names them."""
ANSWERS, PASSAGES, SETTINGS, LOCK = "answers.jsonl", "passages.jsonl", "settings.json", "lock"


@dataclass(frozen=True)
class Work:
    """The folder while it is made.

    Attributes:
        root: Beside ``out``.
        out: Where it will be.
    """

    root: Path
    out: Path

    def answers(self) -> dict[str, list[Question]]:
        """Id -> what was answered about each passage; those whose answers were no use are missing.

        A line that was torn by a crash is one that was not written.
        """
        found: dict[str, list[Question]] = {}
        for line in _lines(self.root / ANSWERS):
            try:
                values = json.loads(line)
                questions = [Question(own["text"], own.get("answer")) for own in values["questions"]]
                passage = values["passage"]
            except (ValueError, LookupError, TypeError, AttributeError):
                continue
            if "failure" not in values:
                found[passage] = questions
        return found

    def record(self, passage: str, questions: Sequence[Question], failure: str | None = None) -> None:
        """Keep what was answered, flushed to disk."""
        failed = {"failure": failure} if failure else {}
        questions_of = [question.to_dict() for question in questions]
        append_json_line(self.root / ANSWERS, {"passage": passage, "questions": questions_of, **failed})

    def write_passages(self, passages: Sequence[Passage], splits: Mapping[str, str]) -> None:
        """Where passages are from and what they are for: before anything is asked."""
        write_lines(self.root / PASSAGES, (own.place(splits.get(own.id)) for own in passages))

    def finish(self, passages: Sequence[Passage], queries: Mapping[str, Sequence[Query]], facts: Document) -> None:
        """Write the data set and put the folder in its place.

        Args:
            passages: The corpus.
            queries: Split -> its queries; a split without any gets no file.
            facts: Of ``synthetic.json``.
        """
        write_lines(self.root / CORPUS, ({"_id": own.id, "title": own.title, "text": own.text} for own in passages))
        every = (own for split in queries.values() for own in split)
        write_lines(self.root / QUERIES, ({"_id": own.id, "text": own.text} for own in every))
        for split, own in queries.items():
            if own:
                rows = (f"{query.id}\t{query.passage}\t1\n" for query in own)
                write_atomic(self.root / QRELS / f"{split}.tsv", "query-id\tcorpus-id\tscore\n" + "".join(rows))
        write_json(self.root / SYNTHETIC, facts)


@contextmanager
def working(out: Path, identity: Document) -> Iterator[Work]:
    """The folder to work in, which becomes ``out`` when the block has ended well.

    Args:
        out: There is nothing at this place.
        identity: Settings on which everything in it depends.

    Raises:
        ConfigError: Somebody works in it, or it was begun with other settings.
    """
    work = Work(out.with_name(f"{out.name}.partial"), out)
    _make(work.root)
    lock = FileLock(work.root / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigError(f"generate.out must be written by one command, but another writes {out} now. Wait.") from None
    try:
        if work.answers():  # without any, nothing is lost by other settings
            _require_same(work.root / SETTINGS, identity, out)
        write_json(work.root / SETTINGS, identity)
        yield work
    finally:
        lock.release()
    (work.root / LOCK).unlink(missing_ok=True)
    (work.root / SETTINGS).unlink()
    os.replace(work.root, out)


def is_made(out: Path, identity: Document) -> Document | None:
    """What the folder says of itself if it is there, whole; None if there is nothing.

    Raises:
        ConfigError: There is something else, or the same made with other settings.
    """
    if not os.path.lexists(out):
        return None
    found = _read(out / SYNTHETIC)
    _require_same(out / SYNTHETIC, identity, out, "settings")
    return found


def write_lines(path: Path, values: Iterator[Document]) -> None:
    """One JSON object a line, the whole file or nothing."""
    write_atomic(path, "".join(json.dumps(own, ensure_ascii=False) + "\n" for own in values))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ConfigError(f"generate.out must be a folder, but a file is in its way: {folder}. Name another.") from None


def _require_same(file: Path, identity: Document, out: Path, key: str | None = None) -> None:
    """Check that settings recorded in a folder are these.

    Raises:
        ConfigError: They differ, or are none.
    """
    found = _read(file)
    recorded = found.get(key) if key else found
    if recorded == identity:
        return
    if not isinstance(recorded, dict):
        raise ConfigError(
            f"generate.out must be a new folder, but got {out}, which is none that generate made. Name another."
        )
    changed = ", ".join(name for name in identity if recorded.get(name) != identity[name]) or "its settings"
    place = file.parent
    raise ConfigError(
        f"generate.out must be new or made with the same settings, but got {out}; in {place} these differ: {changed}. "
        "Name another, or remove it."
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
