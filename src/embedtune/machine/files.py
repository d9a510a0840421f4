"""Files that somebody else may have put there: regular ones of a bounded size, read to their end and no further."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

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
    with os.fdopen(open_regular(path, os.O_RDONLY, follow=follow), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = b"" if size > most else file.read(most + 1)
        if size > most or len(content) > most:
            raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
    return content


def append_regular(path: Path) -> BinaryIO:
    """A regular file opened to append to it, made if there is none; it has no buffer that closing would write again.

    Raises:
        OSError: It is a link, a folder, a pipe or a device, or cannot be written.
    """
    return os.fdopen(open_regular(path, os.O_RDWR | os.O_CREAT | os.O_APPEND), "ab+", buffering=0)


def open_regular(path: Path, flags: int, *, follow: bool = False) -> int:
    """The descriptor of a regular file, opened without waiting for a writer that a pipe may lack.

    Args:
        path: Of the file.
        flags: As for ``os.open``.
        follow: Whether it may be a symbolic link, to a regular file.

    Raises:
        FileNotFoundError: There is none, and the flags make none.
        OSError: It is a link, a folder, a pipe or a device, or cannot be opened.
    """
    if not follow and os.path.islink(path):
        raise OSError(errno.ELOOP, "it is a symbolic link", str(path))
    descriptor = os.open(path, flags | _WAIT_FOR_NOBODY | (0 if follow else _FOLLOW_NOTHING), 0o666)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"it is {kind_of(mode)}", str(path))
    return descriptor


def is_regular(path: Path) -> bool:
    """Whether a path is that of a regular file itself; a link to one is not."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def kind_of(mode: int) -> str:
    """The kind of file behind a path, by its ``st_mode``, in words."""
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a pipe", stat.S_IFREG: "a file"}
    return kinds.get(stat.S_IFMT(mode), "a device or a socket")
