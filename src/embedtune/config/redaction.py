"""Keep passwords and tokens out of whatever leaves this process: the terminal, files, logs and stores.

An address is redacted by its form, and secrets that this process knows are redacted wherever they occur.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "***"

PASSED_ON = "EMBEDTUNE_SECRET_"
"""Prefix of variables that pass a worker the addresses that must not appear in its arguments."""

_SECRET = r"password|passwd|passphrase|pwd|secrets?|token|credentials?|api[_-]?key|access[_-]?key|private[_-]?key"
_VARIABLE = re.compile(rf"(?:^|.*_)(?:{_SECRET}|pgpassword)", re.IGNORECASE)
"""Names of variables of the environment whose values are secrets, such as ``HF_TOKEN``."""
_PLACES = ("PWD", "OLDPWD")
"""Of a shell: the folder it is in, which is no password."""
_SECRET_KEY = re.compile(rf"(?:^|[._-])(?:{_SECRET})(?:$|[._-])", re.IGNORECASE)
_QUERY = re.compile(rf"([?&](?:[a-z0-9]+[_-])*(?:{_SECRET})=)[^&\s'\"]+", re.IGNORECASE)
_SCHEME = r"(?<![a-z0-9+.-])(?!(?:sqlite|file)\b)[a-z][a-z0-9+.-]*://"
_PIECE = re.compile(rf"({_SCHEME})[^\s'\"]+@", re.IGNORECASE)
_CUT = re.compile(rf"({_SCHEME})[^\n]*? \.\.\. (?:[^\n]*@)?", re.IGNORECASE)
"""An address that was cut for being long, so that its user info may lack its end or its beginning."""
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE | re.DOTALL)
_LOCAL = re.compile(r"(?:sqlite|file)\b", re.IGNORECASE)
"""Schemes of files, whose names may hold an ``@``."""
_CONTROLS = re.compile(r"\x1b(?!\[[\d;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Letters that make a terminal do something or show lines otherwise than they are; not line ends, tabs and colours."""
_NAME = re.compile(r"[\w.-]+=")

_SHORTEST, _LONG = 4, 8

_known: dict[str, str] = {}
"""Secrets of this process in every form in which they are written -> what is shown instead."""
_pattern: list[re.Pattern[str]] = []


def redact_text(text: str) -> str:
    """Blank known secrets, and of every URL in a text the user info and the parameters named like secrets."""
    text = _PIECE.sub(rf"\g<1>{HIDDEN}@", _CUT.sub(rf"\g<1>{HIDDEN} ... ", hide(text)))
    return _QUERY.sub(rf"\g<1>{HIDDEN}", text)


def redact_url(url: str) -> str:
    """Blank possible secrets in a text that is a single URL, read from the right.

    User info is all before the last ``@``, whatever stands in it. Where that ``@`` stands behind a ``?`` or ``#``, it
    may be of the query just as well, and nothing is shown but the scheme.
    """
    match = _URL.fullmatch(url)
    if match is None:
        return redact_text(url)
    scheme, rest = match[1], match[2]
    if _LOCAL.match(scheme):
        shown, mark, tail = _split(rest)
    else:
        userinfo, at, host = rest.rpartition("@")
        if any(letter in userinfo for letter in "?#"):
            return f"{scheme}://{HIDDEN}"
        shown, mark, tail = _split(host)
        shown = f"{HIDDEN}@{shown}" if at else shown
    if mark == "#" and tail.startswith("/"):  # a page of a web interface
        return redact_text(f"{scheme}://{shown}{mark}{tail}")
    name = _NAME.match(tail) if mark == "?" else None
    return f"{scheme}://{hide(shown)}{mark}{name[0] if name else ''}{HIDDEN if tail else ''}"


def redact(value: Any, key: str = "") -> Any:
    """The same for a tree of mappings and lists, where a key that names a secret loses its value."""
    if isinstance(value, Mapping):
        return {name: redact(item, str(name)) for name, item in value.items()}
    if value not in (None, "") and _SECRET_KEY.search(key):
        return HIDDEN
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return redact_url(value) if isinstance(value, str) else value


def first_line(error: BaseException) -> str:
    """The message of an error, as one line that may be shown."""
    return redact_text(str(error)).partition("\n")[0][:500]


def remember_secrets(addresses: Iterable[str | None] = (), environment: Mapping[str, str] | None = None) -> None:
    """Redact these from now on wherever they occur, as they are written and percent-decoded.

    Args:
        addresses: URLs; their passwords and the values in their queries are secrets. Texts without any are passed over.
        environment: Variables; those named like secrets are secrets, and addresses among the others may hold some.
    """
    environment = environment or {}
    for url in [*filter(None, addresses), *(value for value in environment.values() if "@" in value)]:
        if redact_url(url) != url and _URL.fullmatch(url):
            _known[url] = redact_url(url)
            _remember(_secrets_of(url))
    secret = (name for name in environment if _VARIABLE.fullmatch(name) and name not in _PLACES)
    _remember(environment[name] for name in secret if environment[name])
    _renew()


def remember_key(key: str) -> None:
    """Redact a key from now on wherever it occurs; a short plain word is none."""
    _remember([key])
    _renew()


def _renew() -> None:
    _pattern[:] = [re.compile("|".join(map(_bounded, sorted(_known, key=len, reverse=True))))] if _known else []


def hide(value: Any) -> Any:
    """A text, or a tree of mappings and lists, without the secrets that this process knows."""
    if isinstance(value, Mapping):
        return {name: hide(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [hide(item) for item in value]
    if isinstance(value, str) and _pattern:
        return _pattern[0].sub(lambda match: _known[match[0]], value)
    return value


def printable(text: str) -> str:
    """A text for a terminal: what a file of somebody else holds must not clear the screen, type or hide anything."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


class RedactedFormatter(logging.Formatter):
    """Formats a log record without secrets: its message, its arguments and its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, or lines."""
        return printable(redact_text(super().format(record)))


def _split(rest: str) -> tuple[str, str, str]:
    """The text before the first ``?`` or ``#``, that mark, and the text after it."""
    match = re.search(r"[?#]", rest)
    return (rest[: match.start()], match[0], rest[match.end() :]) if match else (rest, "", "")


def _secrets_of(url: str) -> Iterator[str]:
    rest = url.partition("://")[2]
    userinfo, _, host = rest.rpartition("@")
    user, colon, password = userinfo.partition(":")
    yield password if colon else user  # one alone is a token
    for part in re.split(r"[?&#]", _split(host)[2]):
        name, _, value = part.partition("=")
        if _SECRET_KEY.search(name) or not value.isalpha():
            yield value


def _remember(secrets: Iterable[str]) -> None:
    forms: tuple[Callable[[str], str], ...] = (
        str, quote, quote_plus, lambda own: quote(own, safe=""), lambda own: repr(own)[1:-1],
        lambda own: json.dumps(own)[1:-1], lambda own: json.dumps(own, ensure_ascii=False)[1:-1],
    )  # fmt: skip
    for secret in {own for raw in secrets for own in (raw, unquote(raw))}:
        # A short plain word, such as "test", stands for much else; it is redacted in its address alone.
        if len(secret) >= _LONG or (len(secret) >= _SHORTEST and not secret.isalpha()):
            _known.update({form(secret): HIDDEN for form in forms})


def _bounded(secret: str) -> str:
    """A short secret is none within a longer word or number."""
    return re.escape(secret) if len(secret) >= _LONG else rf"(?<!\w){re.escape(secret)}(?!\w)"
