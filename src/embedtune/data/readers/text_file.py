"""Reading text and JSON from files, with the place of what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedtune.data.drafts import Problem


def read_bytes(path: Path, problems: list[Problem]) -> bytes | None:
    """The file's content, or None after noting why not."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"{path} must be a file that can be read, but got: {reason}. Check the path and its permissions."
        problems.append(Problem("unreadable files", message))
        return None


def read_text(path: Path, problems: list[Problem]) -> str | None:
    """The file as text, or None after noting why not."""
    content = read_bytes(path, problems)
    return None if content is None else decode(content, str(path), problems)


def decode(content: bytes, file: str, problems: list[Problem]) -> str | None:
    """UTF-8 as text, or None after noting why not. Line ends become line feeds; a byte order mark is dropped."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        message = f"{file}:{line} must be UTF-8, but got the byte 0x{byte:02x} ({error.reason}). Save it as UTF-8."
        problems.append(Problem("encoding", message))
        return None
    # A lone "\r" stays: only line ends are changed, not characters within a text.
    return text.replace("\r\n", "\n")


def json_problem(place: str, error: Exception) -> Problem:
    """What to say about text that is not JSON."""
    detail = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
    return Problem("lines that are not JSON", f"{place} must be JSON, but got: {detail}. Repair or remove it.")


def json_lines(text: str, file: str, problems: list[Problem]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of every line that holds one; blank lines are skipped, others noted.

    Lines end at line feeds alone: U+2028 and its like are valid within a JSON string.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.append(json_problem(f"{file}:{number}", error))
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            message = f"{file}:{number} must be a JSON object, but got {type(value).__name__}. Write one object a line."
            problems.append(Problem(f"lines of {file} that are not objects", message))
