"""Files as text: regular files only, within a bound of size, in UTF-8; with the location of anything else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from embedtune.data.readers.boundary import Unreadable
from embedtune.data.readers.room import require_room

_CHUNK = 16 * 2**20
_PARQUET = b"PAR1"
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip, as Excel's .xlsx is",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"7z\xbc\xaf": "7z",
    b"ARROW1": "Arrow",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
"""Leading bytes of files in other formats."""


def is_parquet(content: bytes | bytearray) -> bool:
    """Whether the file begins as Parquet files do."""
    return content.startswith(_PARQUET)


def read_bytes(path: Path) -> bytearray:
    """The content of a regular file, links followed; neither a pipe nor a device is opened.

    Raises:
        OSError: It cannot be read.
        Unreadable: It is no regular file, too large, or neither text nor Parquet.
    """
    _require_regular(path, os.stat(path))
    content = bytearray()
    # Without waiting: what was a file a moment ago may be a pipe now, and some of /proc never answer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        found = os.fstat(descriptor)
        _require_regular(path, found)
        require_room(str(path), found.st_size)
        while chunk := os.read(descriptor, _CHUNK):
            if not content:
                _require_known(path, chunk)
            if b"\0" in chunk and not is_parquet(content or chunk):
                line = content.count(b"\n") + chunk.count(b"\n", 0, chunk.index(b"\0")) + 1
                message = f"{path}:{line} must be text, but got a NUL byte. Save it as UTF-8, or remove it."
                raise Unreadable("encoding", message)
            content += chunk
            require_room(str(path), len(content))
    finally:
        os.close(descriptor)
    return content


def read_text(path: Path) -> str:
    """The file as text.

    Raises:
        OSError: It cannot be read.
        Unreadable: It is no regular file, too large, or no text.
    """
    return decode(read_bytes(path), str(path))


def decode(content: bytes | bytearray, file: str) -> str:
    """UTF-8 as text. Line ends become line feeds; a byte order mark is dropped.

    Raises:
        Unreadable: It is not UTF-8; says in which line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        message = f"{file}:{line} must be UTF-8, but got the byte 0x{byte:02x} ({error.reason}). Save it as UTF-8."
        raise Unreadable("encoding", message) from error
    # A lone "\r" stays: only line ends are changed, not characters within a text.
    return text.replace("\r\n", "\n")


def _require_regular(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for test, name in _KINDS if test(found.st_mode)), "something else")
        message = f"{path} must be a regular file, but got {kind}. Copy the texts into a file."
        raise Unreadable("unreadable files", message)


def _require_known(path: Path, start: bytes) -> None:
    kind = next((kind for signature, kind in _PACKED.items() if start.startswith(signature)), None)
    if kind is not None:
        message = f"{path} must be text or Parquet, but got {kind}. Unpack it, or save it as UTF-8 text."
        raise Unreadable("unreadable files", message)
