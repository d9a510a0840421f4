"""Optuna's journal file, made for many short writes by several processes."""

from __future__ import annotations

import json
import os
from io import FileIO
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._storage import JournalOperation  # what the entries of a journal are, not exported

from embedtune.study.storage.locks import file_lock

_DURABLE = {JournalOperation.CREATE_STUDY, JournalOperation.CREATE_TRIAL, JournalOperation.SET_TRIAL_STATE_VALUES}
"""Entries that a power cut must not take away once they are acknowledged; those before them are flushed with them."""


class Journal(JournalFileBackend):
    """Optuna's journal file, made for many short writes by several processes.

    Optuna flushes every line to disk while it holds a lock that survives its holder by 30 s: four workers then wait
    for the disk most of the time. Here the lock is an flock, only what must survive a power cut is flushed, after
    the lock was freed, and a line torn by a full disk or a crash is cut off instead of making the file unreadable.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._guard = path.with_suffix(".lock")

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append entries, all of them or none.

        Raises:
            OSError: The disk is full.
        """
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs).encode()
        with open(self._file_path, "ab+", buffering=0) as file:  # a buffer would be written once more on closing
            with file_lock(self._guard):
                _append(file, lines)
            if any(log["op_code"] in _DURABLE for log in logs):
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
