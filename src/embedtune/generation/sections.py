"""The headings of a document and the text below each. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_SILENT = {"script", "style", "template", "noscript", "svg", "nav", "title"}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figure", "footer", "form", "header",
    "hr", "li", "main", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul",
}  # fmt: skip


@dataclass(frozen=True)
class Section:
    """A text with the headings it stands under.

    Attributes:
        headings: From the highest; empty before the first.
        text: Without them.
    """

    headings: tuple[str, ...]
    text: str


def sections_of(text: str, ending: str) -> list[Section]:
    """The sections of a document that have a text.

    Args:
        text: Of the file.
        ending: Of its name, in lower case: ``.md`` and ``.html`` have headings, all else is one section.
    """
    if ending in (".md", ".markdown"):
        found = list(_markdown(text))
    elif ending in (".html", ".htm", ".xhtml"):
        parser = _Html()
        parser.feed(text)
        parser.close()
        found = parser.finish()
    else:
        found = [Section((), text)]
    cleaned = (Section(tuple(map(_line, own.headings)), clean(own.text)) for own in found)
    return [own for own in cleaned if own.text]


def clean(text: str) -> str:
    """A text without what cannot be written as UTF-8 or printed; at most one empty line in a row."""
    text = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n").replace("\u00ad", "")
    kept = "".join(letter if letter >= " " or letter in "\n\t" else " " for letter in text)
    lines = [" ".join(line.split()) for line in kept.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _line(text: str) -> str:
    return " ".join(clean(text).split())


def _markdown(text: str) -> Iterator[Section]:
    path: dict[int, str] = {}
    lines: list[str] = []
    fence = ""
    for line in _without_front_matter(text).split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or line.strip() == fence or line.strip().startswith(fence)):
            fence = "" if fence else mark[1]
        heading = None if fence or mark else _HEADING.fullmatch(line)
        if heading is None:
            lines.append(line)
            continue
        yield Section(tuple(path.values()), "\n".join(lines))
        path, lines = _below(path, len(heading[1]), _plain(heading[2])), []
    yield Section(tuple(path.values()), "\n".join(lines))


def _without_front_matter(text: str) -> str:
    if not text.startswith("---\n"):
        return text
    _, found, rest = text[4:].partition("\n---\n")
    return rest if found else text


def _plain(heading: str) -> str:
    """A heading without links and marks of emphasis."""
    return re.sub(r"[`*]|(?<!\w)_|_(?!\w)", "", re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading))


def _below(path: dict[int, str], level: int, heading: str) -> dict[int, str]:
    """The headings above a place after one more; an empty one only ends those below it."""
    kept = {own: text for own, text in path.items() if own < level}
    return {**kept, level: heading} if heading.strip() else kept


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._path: dict[int, str] = {}
        self._found: list[Section] = []
        self._text: list[str] = []
        self._heading: list[str] | None = None
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            self._silent.clear()  # what stands in the head need not be ended
        elif tag in _SILENT:
            self._silent.append(tag)
        elif tag in _LEVELS and not self._silent:
            self._end_section()
            self._heading = []
        elif tag in _BLOCKS:
            self._text.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            del self._silent[self._silent.index(tag) :]
        elif tag in _LEVELS and self._heading is not None:
            self._path = _below(self._path, _LEVELS[tag], "".join(self._heading))
            self._heading = None
        elif tag in _BLOCKS:
            self._text.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            (self._text if self._heading is None else self._heading).append(data)

    def finish(self) -> list[Section]:
        if self._heading is not None:  # it never ended
            self._text, self._heading = self._heading, None
        self._end_section()
        return self._found

    def _end_section(self) -> None:
        self._found.append(Section(tuple(self._path.values()), "".join(self._text)))
        self._text = []
