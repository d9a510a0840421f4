from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from embedtune.release.card.markdown import ABSENT, bold, clean, clip, code, fenced, inline, number, short, table

MARKDOWN = MarkdownIt("commonmark").enable("table")
UGLY = st.text(st.characters() | st.sampled_from("|`*_~$<>&[]()\\#-+!\n\r\t {}\u2028\u0085😀"), max_size=60)


class _Cells(HTMLParser):
    """The tags of a page, and the text of each table cell."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag in ("td", "p"):
            self.cells.append("")
        if tag == "br":
            self.cells[-1] += "\n"

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def parsed(markdown: str) -> _Cells:
    page = _Cells()
    page.feed(MARKDOWN.render(markdown))
    return page


def words(text: str) -> list[str]:
    """The words of a text as a browser shows them."""
    return clean(text).replace("\ufffd", " ").split()


@settings(deadline=None, max_examples=150)
@given(UGLY)
def test_code_cell_shows_any_text_and_nothing_else(text: str) -> None:
    page = parsed(table(["A", "B"], [[code(text), "x"]], "l"))

    assert page.tags.count("tr") == 2
    assert set(page.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "code", "br"}
    shown, other = page.cells
    assert shown.replace("\ufffd", " ").split() == words(text)
    assert other.strip() == "x"


@settings(deadline=None, max_examples=150)
@given(UGLY)
def test_inline_shows_any_text_on_one_line(text: str) -> None:
    written = inline(text)

    assert len(written.splitlines()) <= 1
    page = parsed(f"- x {written}")
    assert set(page.tags) == {"ul", "li"}
    rendered = re.sub("<[^>]*>", "", MARKDOWN.render(f"x {written}"))
    assert "&lt;" not in rendered or "<" in text


def test_code_keeps_lines_and_indentation() -> None:
    assert code("def f():\r\n\treturn 1\u2028# end") == (
        "<code>def f():<br>&nbsp;&nbsp;&nbsp;&nbsp;return 1<br># end</code>"
    )


def test_code_of_empty_text() -> None:
    assert code("") == "<code></code>"


def test_names_with_underscores_stay_readable_and_emphasis_does_not_start() -> None:
    assert inline("per_device_train_batch_size") == "per_device_train_batch_size"
    assert "em" not in parsed(inline("a _b_ *c* __init__ ~~d~~")).tags
    assert "a" not in parsed(inline("[x](y) <http://z>")).tags


def test_clean_replaces_what_no_file_should_hold() -> None:
    assert clean("a\x00b\ud800c\x1bd\ne") == "a\ufffdb\ufffdc\ufffdd\ne"


def test_clip_marks_what_was_left_out() -> None:
    assert clip("a" * 1000) == "a" * 1000
    assert clip("a" * 1001) == "a" * 1000 + "…"


@pytest.mark.parametrize("text", ["plain", "a\n```\nb", "````", "a `b` c"])
def test_fence_is_longer_than_any_in_the_text(text: str) -> None:
    (token,) = MARKDOWN.parse(fenced(text, "python"))

    assert token.type == "fence"
    assert token.info == "python"
    assert token.content == text + "\n"


def test_table_pads_and_aligns_and_the_last_alignment_goes_on() -> None:
    assert table(["A", "Long", "C"], [["1", "2", "3"]], "lr").splitlines() == [
        "| A | Long | C |",
        "|:--|-----:|--:|",
        "| 1 |    2 | 3 |",
    ]


def test_numbers_and_absent_ones() -> None:
    assert number(0.87) == "0.8700"
    assert number(None) == ABSENT
    assert bold("0.8700") == "**0.8700**"
    assert bold(ABSENT) == ABSENT
    assert short(0.00012345678) == "0.000123457"
    assert short("plain") == "plain"
