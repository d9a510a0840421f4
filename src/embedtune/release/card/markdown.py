"""Markdown that stays what it is whatever text is put into it.

Texts of a corpus hold pipes, HTML, asterisks, code and line separators; each function here makes one place safe
for them, under CommonMark and GitHub's tables.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence

ABSENT = "–"
"""Stands in a table where nothing was measured."""

_LONGEST = 1000
_WIDEST = 60
_RULES = {"l": ":{}-", "r": "-{}:", "c": ":{}:"}
# An underscore inside a word never starts emphasis, and names such as `batch_size` stay readable unescaped.
_ACTIVE = re.compile(r"[\\`*|~$]|(?<![^\W_])_|_(?![^\W_])|(?<=\])\(")
_KEPT_CONTROLS = "\t\n\r\v\f\x1c\x1d\x1e\x85"


def clean(text: str) -> str:
    """The text without what no file or terminal should hold: control characters and lone surrogates become U+FFFD."""
    return "".join(
        "\ufffd" if unicodedata.category(letter) in ("Cc", "Cs") and letter not in _KEPT_CONTROLS else letter
        for letter in text
    )


def clip(text: str) -> str:
    """The first 1000 characters, with an ellipsis if there were more."""
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def inline(value: object) -> str:
    """Any value as text on one line, read as nothing but text."""
    return _escape(" ".join(clean(str(value)).split()))


def code(value: object) -> str:
    """Any value in ``<code>``, also in a table cell: line breaks become ``<br>``, indentation is kept."""
    return f"<code>{'<br>'.join(map(_code_line, clip(clean(str(value))).splitlines()))}</code>"


def bold(cell: str) -> str:
    """A cell in bold; an empty measurement stays as it is."""
    return cell if cell == ABSENT else f"**{cell}**"


def number(value: float | None) -> str:
    """A score with four decimals."""
    return ABSENT if value is None else f"{value:.4f}"


def short(value: object) -> str:
    """Any value as text, a float without noise digits."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def fenced(text: str, language: str = "") -> str:
    """A code block whose fence is longer than any run of backticks in it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> str:
    """A table in columns of equal width, as far as that is readable.

    Args:
        header: Names of the columns.
        rows: Cells, already safe.
        align: One of ``l``, ``r`` and ``c`` for each column; the last one stands for all that follow.
    """
    lines = [list(header), *(list(row) for row in rows)]
    align = align.ljust(len(header), align[-1])
    # Beyond that width padding would only add spaces to the file.
    widths = [min(_WIDEST, max(map(len, column))) for column in zip(*lines, strict=True)]
    pad = {"l": str.ljust, "r": str.rjust, "c": str.center}
    texts = [[pad[side](cell, width) for cell, width, side in zip(line, widths, align, strict=True)] for line in lines]
    rules = [_RULES[side].format("-" * width) for width, side in zip(widths, align, strict=True)]
    body = [f"| {' | '.join(cells)} |" for cells in texts]
    return "\n".join([body[0], f"|{'|'.join(rules)}|", *body[1:]])


def _code_line(line: str) -> str:
    text = line.expandtabs(4)
    stripped = text.lstrip(" ")
    return "&nbsp;" * (len(text) - len(stripped)) + _escape(stripped)


def _escape(text: str) -> str:
    return _ACTIVE.sub(lambda match: f"&#{ord(match[0])};", html.escape(text, quote=False))
