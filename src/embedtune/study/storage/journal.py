"""Optuna's journal in a file, made for many short writes by several processes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from optuna.storages.journal import BaseJournalBackend

from embedtune.errors import StudyError
from embedtune.machine.files import append_regular, open_regular
from embedtune.machine.locks import file_lock
from embedtune.study.storage.optuna_private import DURABLE

LONGEST = 64 << 20
"""Bytes of an entry; what is longer is no line of a journal."""


class Journal(BaseJournalBackend):
    """Optuna's journal in a file: one JSON document a line, in the format of ``JournalFileBackend``.

    Optuna's own flushes every line to disk while it holds a lock that survives its holder by 30 s: four workers then
    wait for the disk most of the time. Here the lock is an flock, only what must survive a power cut is flushed, after
    the lock was freed, and a line torn by a full disk or a crash is cut off instead of making the file unreadable.
    """

    def __init__(self, path: Path) -> None:
        """Open a journal, or begin one.

        Raises:
            StudyError: What is there is no regular file, or cannot be read.
        """
        self._path = path
        self._guard = path.with_suffix(".lock")
        self._read = (0, 0)
        try:
            os.close(open_regular(path, os.O_RDONLY))  # one that is only read may be on a disk that nobody may write
        except FileNotFoundError:
            append_regular(path).close()
        except OSError as error:
            raise self._damaged(str(error.strerror or type(error).__name__)) from error

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The entries from this number on; Optuna asks for those after the last it was given.

        Raises:
            StudyError: A line is damaged.
        """
        number, offset = self._read if self._read[0] <= log_number_from else (0, 0)
        with os.fdopen(open_regular(self._path, os.O_RDONLY), "rb") as file:
            file.seek(offset)
            while (line := file.readline(LONGEST)).endswith(b"\n"):
                try:
                    log: dict[str, Any] = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise self._damaged(f"line {number + 1} is damaged ({error})") from error
                number, offset = number + 1, offset + len(line)
                self._read = number, offset
                if number > log_number_from:
                    yield log
        if len(line) == LONGEST:  # what is shorter is torn, or being written
            raise self._damaged(f"line {number + 1} has {LONGEST:,} bytes or more")

    def _damaged(self, why: str) -> StudyError:
        return StudyError(
            f"{self._path} must be the journal of a study, but {why}. "
            "Put a copy of the file back, or take another study.name."
        )

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append entries, all of them or none.

        Raises:
            OSError: The disk is full.
        """
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs).encode()
        with append_regular(self._path) as file:
            with file_lock(self._guard):
                _append(file, lines)
            if any(log["op_code"] in DURABLE for log in logs):
                os.fsync(file.fileno())


def _append(file: BinaryIO, lines: bytes) -> None:
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
