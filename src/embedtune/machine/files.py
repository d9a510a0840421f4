"""Files that somebody else may have put there: regular ones of a bounded size, read to their end and no further."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_FOLLOW_NOTHING = getattr(os, "O_NOFOLLOW", 0)
_WAIT_FOR_NOBODY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""A pipe without a writer would keep ``open`` waiting; Windows has neither flag."""


def read_regular(path: Path, most: int, *, follow: bool = False) -> bytes:
    """The content of a regular file.

    Args:
        path: Of the file.
        most: Bytes that it may have.
        follow: Whether it may be a symbolic link, to a regular file.

    Raises:
        FileNotFoundError: There is none.
        OSError: It is a link, a folder, a pipe or a device, is larger, or cannot be read.
    """
    if not follow and os.path.islink(path):
        raise OSError(errno.ELOOP, "it is a symbolic link")
    descriptor = os.open(path, os.O_RDONLY | _WAIT_FOR_NOBODY | (0 if follow else _FOLLOW_NOTHING))
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, f"it is {kind_of(found.st_mode)}")
        content = b"" if found.st_size > most else file.read(most + 1)
        if found.st_size > most or len(content) > most:
            raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
    return content


def is_regular(path: Path) -> bool:
    """Whether a path is that of a regular file itself; a link to one is not."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def kind_of(mode: int) -> str:
    """What a path leads to, by its ``st_mode``, for people."""
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a pipe", stat.S_IFREG: "a file"}
    return kinds.get(stat.S_IFMT(mode), "a device or a socket")
