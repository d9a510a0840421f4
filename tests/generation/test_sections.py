from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from embedtune.generation.sections import Section, clean, sections_of

MARKDOWN = """---
title: front matter
---
Before.

# The [data](data.md)
Text of it.

```bash
# no heading
```
### Deep `down` ###
Below.
# Another
Last.
"""


def test_markdown_has_the_headings_above_each_text() -> None:
    assert sections_of(MARKDOWN, ".md") == [
        Section((), "Before."),
        Section(("The data",), "Text of it.\n\n```bash\n# no heading\n```"),
        Section(("The data", "Deep down"), "Below."),
        Section(("Another",), "Last."),
    ]


def test_html_has_headings_and_no_scripts() -> None:
    page = (
        "<head><title>t</title><noscript><body><nav>menu</nav><h1>One &amp; <i>all</i></h1><p>a<p>b<script>x()</script>"
    )
    page += "<h2>Two</h2>c<br>d"
    assert sections_of(page, ".html") == [Section(("One & all",), "a\nb"), Section(("One & all", "Two"), "c\nd")]
    assert sections_of("<h1>never ended", ".htm") == [Section((), "never ended")]


def test_other_texts_are_one_section() -> None:
    assert sections_of("# a\r\nb\x00\ud800c", ".txt") == [Section((), "# a\nb ?c")]


@given(st.text(max_size=200), st.sampled_from([".md", ".html", ".txt"]))
def test_any_text_can_be_read_and_written(text: str, ending: str) -> None:
    for section in sections_of(text, ending):
        assert section.text == clean(section.text)
        " ".join([*section.headings, section.text]).encode()
