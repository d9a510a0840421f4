"""Optuna's journal in a file, made for many short writes by several processes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend

from embedtune.errors import StudyError
from embedtune.study.storage.locks import file_lock
from embedtune.study.storage.optuna_private import DURABLE


class Journal(BaseJournalBackend):
    """Optuna's journal in a file: one JSON document a line, in the format of ``JournalFileBackend``.

    Optuna's own flushes every line to disk while it holds a lock that survives its holder by 30 s: four workers then
    wait for the disk most of the time. Here the lock is an flock, only what must survive a power cut is flushed, after
    the lock was freed, and a line torn by a full disk or a crash is cut off instead of making the file unreadable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = path.with_suffix(".lock")
        self._read = (0, 0)
        if not path.exists():  # one that is only read may be on a disk that nobody may write
            path.touch()

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The entries from this number on; Optuna asks for those after the last it was given.

        Raises:
            StudyError: A line is damaged.
        """
        number, offset = self._read if self._read[0] <= log_number_from else (0, 0)
        with self._path.open("rb", buffering=0) as file:
            file.seek(offset)
            *lines, _ = file.readall().split(b"\n")  # what follows the last line end is torn, or being written
        for line in lines:
            try:
                log: dict[str, Any] = json.loads(line)
            except ValueError as error:
                raise StudyError(
                    f"{self._path} must be the journal of a study, but line {number + 1} is damaged ({error}). "
                    "Put a copy of the file back, or take another study.name."
                ) from error
            number, offset = number + 1, offset + len(line) + 1
            self._read = number, offset
            if number > log_number_from:
                yield log

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append entries, all of them or none.

        Raises:
            OSError: The disk is full.
        """
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs).encode()
        with self._path.open("ab+", buffering=0) as file:  # a buffer would be written once more on closing
            with file_lock(self._guard):
                _append(file, lines)
            if any(log["op_code"] in DURABLE for log in logs):
                os.fsync(file.fileno())


def _append(file: FileIO, lines: bytes) -> None:
    end = file.seek(0, os.SEEK_END)
    if end > 0 and os.pread(file.fileno(), 1, end - 1) != b"\n":
        file.seek(0)
        end = file.read().rfind(b"\n") + 1
        file.truncate(end)
    try:
        rest = memoryview(lines)
        while rest:
            rest = rest[file.write(rest) :]
    except OSError:
        os.ftruncate(file.fileno(), end)
        raise
