"""The one place that turns errors into exit statuses."""

from __future__ import annotations

import errno
import sys
import traceback

from embedtune.config.redaction import printable, redact_text
from embedtune.errors import EmbedtuneError, UserError

INTERRUPT_STATUS = 130
"""The exit status that shells expect of a program ended by Ctrl-C."""

_NO_SUCH_NAME = {errno.ENAMETOOLONG, errno.ELOOP}
"""Error numbers for a name that no file can have."""


def report(error: Exception, debug: bool) -> int:
    """Print an error once; the exit status: 2 for what the user typed, 1 for what went wrong.

    A defect of the program is printed with its traceback.
    """
    if debug:
        sys.stderr.write(_shown("".join(traceback.format_exception(error))))
    if isinstance(error, UserError) or (isinstance(error, OSError) and error.errno in _NO_SUCH_NAME):
        sys.stderr.write(_shown(f"{type(error).__name__}: {error}\n"))
        return 2
    if isinstance(error, EmbedtuneError | OSError):  # a full disk or a missing permission is no defect of the program
        sys.stderr.write(_shown(f"{type(error).__name__}: {error}\n"))
        return 1
    if isinstance(error, MemoryError):
        sys.stderr.write("MemoryError: there is no memory left for this. Close other programs, or take less at once.\n")
        return 1
    if not debug:
        sys.stderr.write(_shown("".join(traceback.format_exception(error))))
    return 1


def _shown(text: str) -> str:
    return printable(redact_text(text))
