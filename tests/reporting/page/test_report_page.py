from __future__ import annotations

import base64
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from embedtune.records import State, TrialRecord
from embedtune.reporting.page.figures.plots import Plot
from embedtune.reporting.page.inputs import ReportInputs
from embedtune.reporting.page.page import definition_facts, render_page

VOID = {"meta", "img", "br", "link", "hr", "input"}
UGLY = "<script>alert('x')</script>"


class Page(HTMLParser):
    """Collects what a page is made of and checks that every element is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def page(odd: ReportInputs, odd_plots: list[Plot]) -> Page:
    return Page(render_page(odd, odd_plots, made=0))


def test_page_loads_nothing_and_runs_nothing(page: Page) -> None:
    assert not page.of("script")
    assert not page.of("link")
    assert not page.of("iframe")
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "srcset", "action", "data"):
                assert value.startswith("data:image/svg+xml;base64,"), (tag, name)
    policy = next(meta["content"] for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_styles_load_nothing(odd: ReportInputs) -> None:
    html = render_page(odd, [], made=0)
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert style
    assert "url(" not in style
    assert "@import" not in style


def test_every_image_has_a_text_and_is_svg(page: Page, odd_plots: list[Plot]) -> None:
    images = page.of("img")
    assert len(images) == sum(plot.picture is not None for plot in odd_plots)
    for image in images:
        assert len(image["alt"]) > 20
        assert b"<svg" in base64.b64decode(image["src"].partition(",")[2])


def test_texts_are_escaped(inputs: Callable[..., ReportInputs], trial: Callable[..., TrialRecord]) -> None:
    records = [trial(0, None, State.FAIL, reason=UGLY), trial(1, 0.7, params={f"model.{UGLY}": f'{UGLY}"&'})]
    study = inputs(
        records, definition={"name": UGLY, "space": {UGLY: UGLY}}, command=f"python {UGLY}", distributions={}
    )
    html = render_page(study, [Plot(UGLY, UGLY, False, UGLY, None)], made=0)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 8
    assert not Page(html).of("script")


def test_table_is_accessible_and_ends_with_the_baseline(
    inputs: Callable[..., ReportInputs], trial: Callable[..., TrialRecord]
) -> None:
    page = Page(render_page(inputs([trial(0, 0.6), trial(1, 0.7)]), [], made=0))
    region = next(attributes for attributes in page.of("div") if attributes.get("role") == "region")
    assert region["tabindex"] == "0"
    assert region["aria-labelledby"] in {heading.get("id") for heading in page.of("h2")}
    heads = [head for head in page.of("th") if head.get("scope") == "col"]
    assert all(head.get("title") for head in heads[:11])
    trials = page.text[page.text.index("reason") :]
    assert trials.index("1 ★") < trials.index("untuned")


def test_sections_come_in_the_order_of_use(page: Page) -> None:
    assert [heading["id"] for heading in page.of("h2")] == ["next", "trials", "plots", "definition"]


def test_definition_says_what_is_known(inputs: Callable[..., ReportInputs], trial: Callable[..., TrialRecord]) -> None:
    prompts = {"prompts": {"query": "query: ", "document": ""}}
    facts = dict(definition_facts(inputs([trial(0, 0.6, facts=prompts | {"versions": {"python": "3.11"}})])))
    assert facts["Prompts"] == "query 'query: '"
    assert facts["Sampler"] == "TPESampler(seed=42)"
    assert facts["Pruner"] == "none"
    assert facts["sha256 of train"] == "abc"
    assert facts["Model"] == "tiny"
    assert facts["Recipe"] == "train.epochs=2.0"
    assert facts["Versions"] == "python 3.11"
    assert "Git revision" not in facts


def test_page_says_when_it_was_made(inputs: Callable[..., ReportInputs]) -> None:
    assert "1970-01-01 00:00 UTC" in render_page(inputs([]), [], made=0)
