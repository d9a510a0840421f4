"""Files as text: regular files only, within a bound of size, in UTF-8; with the location of anything else."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePath

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
    b"PK\x03\x04": "zip, as Excel's .xlsx is",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7z",
    b"ARROW1": "Arrow",
}
"""Leading bytes of files in other formats."""
_UNPACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
"""Leading bytes of compressed files, by pyarrow's names."""
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_PACKED_ENDINGS = (".gz", ".zst")


def inner_name(name: str) -> str:
    """The name of a file without the ending that says it is compressed."""
    ending = PurePath(name).suffix
    return name.removesuffix(ending) if ending.lower() in _PACKED_ENDINGS else name


def is_parquet(content: bytes | bytearray) -> bool:
    """Whether the file begins as Parquet files do."""
    return content.startswith(_PARQUET)


def read_bytes(path: Path) -> bytearray:
    """The content of a regular file, unpacked if it is compressed; links followed, no pipe and no device opened.

    Raises:
        OSError: It cannot be read.
        Unreadable: It is no regular file, too large, or neither text nor Parquet.
    """
    content = _raw(path)
    form = next((form for signature, form in _UNPACKED.items() if content.startswith(signature)), None)
    if form is not None:
        content = _unpacked(content, form, str(path))
    _require_known(path, content[:16])
    if not is_parquet(content) and not content.startswith(_UTF_16) and (place := content.find(b"\0")) >= 0:
        line = content.count(b"\n", 0, place) + 1
        message = f"{path}:{line} must be text, but got a NUL byte. Save it as UTF-8, or remove it."
        raise Unreadable("encoding", message)
    return content


def _raw(path: Path) -> bytearray:
    _require_regular(path, os.stat(path))
    content = bytearray()
    # Without waiting: what was a file a moment ago may be a pipe now, and some of /proc never answer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        found = os.fstat(descriptor)
        _require_regular(path, found)
        require_room(str(path), found.st_size)
        while chunk := os.read(descriptor, _CHUNK):
            content += chunk
            require_room(str(path), len(content))
            # A sparse file of gigabytes is all NUL: what begins like this is given up at once.
            if not is_parquet(content) and not chunk.strip(b"\0"):
                break
    finally:
        os.close(descriptor)
    return content


def _unpacked(content: bytearray, form: str, file: str) -> bytearray:
    """The content of a compressed file, bit by bit: a few hundred bytes can unpack to gigabytes.

    Raises:
        Unreadable: It is torn, or unpacks to too much.
    """
    import pyarrow

    found = bytearray()
    try:
        with pyarrow.CompressedInputStream(pyarrow.BufferReader(content), form) as source:
            while chunk := source.read(_CHUNK):
                found += chunk
                require_room(file, len(found), len(content))
    except (OSError, pyarrow.ArrowException) as error:
        detail = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        message = f"{file} must be a whole {form} file, but got: {detail}. Write it again."
        raise Unreadable("unreadable files", message) from error
    return found


def read_text(path: Path) -> str:
    """The file as text.

    Raises:
        OSError: It cannot be read.
        Unreadable: It is no regular file, too large, or no text.
    """
    return decode(read_bytes(path), str(path))


def decode(content: bytes | bytearray, file: str) -> str:
    """UTF-8, or UTF-16 with a byte order mark, as text. Line ends become line feeds; a byte order mark is dropped.

    Raises:
        Unreadable: It is neither; says in which line.
    """
    if content.startswith(_UTF_16):
        try:
            return content.decode("utf-16").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            message = f"{file} must be UTF-16, as it begins, but got something else ({error.reason}). Save it as UTF-8."
            raise Unreadable("encoding", message) from error
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


def _require_known(path: Path, start: bytes | bytearray) -> None:
    kind = next((kind for signature, kind in _PACKED.items() if start.startswith(signature)), None)
    if kind is not None:
        message = f"{path} must be text or Parquet, but got {kind}. Unpack it, or save it as UTF-8 text."
        raise Unreadable("unreadable files", message)
