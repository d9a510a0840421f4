from __future__ import annotations

import errno
import sqlite3

import pytest
from safetensors import SafetensorError

from embedtune.errors import DiskFull
from embedtune.machine.disk import is_full, reporting_full


def chained(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.ENOSPC, "kein Platz"), True),
        (SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"), True),
        (sqlite3.OperationalError("database or disk is full"), True),
        (chained(RuntimeError("cannot save"), OSError(errno.ENOSPC, "x")), True),
        (RuntimeError("RayTaskError: ... DiskFull: OSError: [Errno 28] No space left on device: 'a'"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (MemoryError(), False),
        (None, False),
    ],
)
def test_is_full(error: Exception | None, full: bool) -> None:
    assert is_full(error) is full


def test_is_full_ends_on_errors_that_go_round() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    assert not is_full(first)


def test_reporting_full_makes_one_error_of_it() -> None:
    with (
        pytest.raises(DiskFull, match=r"must have room .* but OSError: \[Errno 28\] full: 'f'\. Free some") as caught,
        reporting_full(),
    ):
        raise OSError(errno.ENOSPC, "full", "f")
    assert is_full(caught.value)
    with pytest.raises(DiskFull) as again, reporting_full():
        raise caught.value
    assert again.value is caught.value
    with pytest.raises(ValueError, match="other"), reporting_full():
        raise ValueError("other")
