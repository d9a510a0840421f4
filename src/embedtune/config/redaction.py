"""Passwords and tokens out of whatever is sent to a store. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"

_SECRET = r"password|passwd|passphrase|pwd|secrets?|token|credentials?|api[_-]?key|access[_-]?key|private[_-]?key"
_SECRET_KEY = re.compile(rf"(?:^|[._-])(?:{_SECRET})(?:$|[._-])", re.IGNORECASE)
_USERINFO = re.compile(r"([a-z][a-z0-9+.-]*://)[^/\s'\"]+@", re.IGNORECASE)
_QUERY = re.compile(rf"([?&](?:[a-z0-9]+[_-])*(?:{_SECRET})=)[^&\s'\"]+", re.IGNORECASE)


def redact_text(text: str) -> str:
    """Blank ``user:password@`` and ``?token=…`` of every URL in a text."""
    return _QUERY.sub(rf"\g<1>{HIDDEN}", _USERINFO.sub(rf"\g<1>{HIDDEN}@", text))


def first_line(error: BaseException) -> str:
    """What an error says, in one line that may be shown."""
    return redact_text(str(error)).partition("\n")[0][:500]


def redact(value: Any, key: str = "") -> Any:
    """The same for a tree of mappings and lists, where a key that names a secret loses its value."""
    if isinstance(value, Mapping):
        return {name: redact(item, str(name)) for name, item in value.items()}
    if value not in (None, "") and _SECRET_KEY.search(key):
        return HIDDEN
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return redact_text(value) if isinstance(value, str) else value
