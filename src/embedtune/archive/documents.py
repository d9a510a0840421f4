"""The one boundary to files written earlier, by anyone: each is read whole, or reported as unreadable.

A file that cannot be read stays as it is, and hides no other.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from embedtune.errors import RecordError
from embedtune.machine.files import read_regular

logger = logging.getLogger(__name__)

T = TypeVar("T")

LARGEST = 64 << 20
"""Bytes of a document; the evaluations of a long trial have some hundred kilobytes."""
_OF_CONTENT = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError)
"""Exceptions that Python raises for values that are not as expected."""
_TOO_LARGE = 2**63
_DEEPEST, _MOST = 40, 2_000_000
"""How far values may be nested, and how many there may be, each counted wherever a reference of YAML repeats it."""


def read_json(path: Path) -> object:
    """The values of a JSON document.

    Raises:
        FileNotFoundError: There is none.
        RecordError: It cannot be read.
    """
    with reading(path):
        return bounded(json.loads(read_regular(path, LARGEST).decode("utf-8")))


def read_yaml(path: Path) -> object:
    """The values of a YAML document, of plain types alone.

    Raises:
        FileNotFoundError: There is none.
        RecordError: It cannot be read.
    """
    with reading(path):
        return bounded(yaml.safe_load(read_regular(path, LARGEST).decode("utf-8")))


def read_lines(path: Path, read: Callable[[object], T]) -> tuple[T, ...]:
    """The values of a file of JSON lines; none if there is no file.

    The last line may have been torn by a crash. Of others that cannot be read, the first is named in a warning.
    """
    found, damaged = [], ""
    try:
        with reading(path):
            text = read_regular(path, LARGEST).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ()
    except RecordError as error:
        logger.warning("%s", error)
        return ()
    # Not splitlines(): texts may hold U+2028 and the like, which JSON leaves unescaped.
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            with reading(path):
                found.append(read(bounded(json.loads(line))))
        except RecordError as error:
            damaged = damaged or (f"line {number}: {error}" if number < len(lines) else "")
    if damaged:
        logger.warning("%s", damaged)
    return tuple(found)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever the content of a file makes Python raise becomes one sentence about it; what it says is not repeated.

    Raises:
        RecordError: It did.
    """
    try:
        yield
    except (FileNotFoundError, RecordError):
        raise
    except (*_OF_CONTENT, OSError, yaml.YAMLError) as e:
        raise RecordError(
            f"{path} must be a record that can be read, but {_reason(e)}. It is left as it is: put back a copy of it, "
            "or move it away."
        ) from e


def as_known(path: Path, read: Callable[[Path], T]) -> T | None:
    """The content of a file, read once per replacement; None, with a warning, if it cannot be read.

    Args:
        path: A file that is only ever replaced as a whole; None without a warning if there is none.
        read: Raises RecordError.
    """
    version = _version(path)
    return None if version is None else _once(path, version, read)


def is_damaged(path: Path, read: Callable[[Path], object]) -> bool:
    """Whether something is there that cannot be read."""
    return _version(path) is not None and as_known(path, read) is None


def put_aside(path: Path) -> None:
    """Rename an existing file to make room for a new one: ``result.json`` becomes ``result.json.damaged``.

    What was put aside before stays too.
    """
    aside, count = path.with_name(f"{path.name}.damaged"), 1
    while os.path.lexists(aside):
        count += 1
        aside = path.with_name(f"{path.name}.damaged-{count}")
    os.rename(path, aside)
    logger.warning("%s could not be read, and is now %s", path, aside.name)


def mapping(values: object) -> Mapping[str, Any]:
    """Values that must be an object.

    Raises:
        ValueError: They are something else.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"it holds {type(values).__name__} where keys and values must be")
    return values


def bounded(values: object) -> object:
    """The values, if they are few and flat enough to be walked; a few lines of YAML can expand to a billion.

    Raises:
        ValueError: They are not.
    """
    count, waiting = 0, [(values, 0)]
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if depth > _DEEPEST or count + len(waiting) > _MOST:
            raise ValueError(f"it nests values deeper than {_DEEPEST} times" if depth > _DEEPEST else "it is too large")
        if isinstance(node, int) and abs(node) >= _TOO_LARGE:
            raise ValueError("it has a number that no library keeps")
        if isinstance(node, Mapping):
            if not all(isinstance(key, str) for key in node):
                raise ValueError("it has a key that is no text")
            waiting.extend((own, depth + 1) for own in node.values())
        elif isinstance(node, list):
            waiting.extend((own, depth + 1) for own in node)
    return values


@lru_cache(maxsize=1 << 14)
def _once(path: Path, _version: tuple[int, int, int], read: Callable[[Path], T]) -> T | None:
    try:
        return read(path)
    except FileNotFoundError:  # at this moment
        return None
    except RecordError as error:
        logger.warning("%s", error)
        return None


def _version(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


def _reason(error: BaseException) -> str:
    """The reason, without any of the content: a link may have led to a confidential file."""
    if isinstance(error, OSError):
        return str(error.strerror or type(error).__name__)
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON at line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"it is no UTF-8 at byte {error.start}"
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark
        return f"it is no YAML{f' at line {mark.line + 1}, column {mark.column + 1}' if mark else ''}"
    if isinstance(error, yaml.YAMLError):
        return "it is no YAML"
    if isinstance(error, RecursionError):
        return "it nests values too deep"
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return (str(error).partition("\n")[0] or type(error).__name__)[:300]
