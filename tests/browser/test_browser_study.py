"""What a person sees who opens the address that a sweep printed."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser

ROW = """
const cells = [...document.querySelectorAll(`.ag-row[row-index="${arguments[0]}"]`)].map(part => part.innerText);
const text = cells.join("\\n");
return text.includes(arguments[1]) && text;
"""
"""The text of a row of the table, which is split in parts beside each other, once it holds a text."""
TEXT = "return document.body.innerText.includes(arguments[0])"
"""Whether the page holds a text; the cells of a table are lines of it."""


def shown(trial: dict[str, Any]) -> str:
    """The objective's value with the five digits that MLflow is given."""
    return f"{trial['value']:.5g}"


def run_name(swept: Any, trial: dict[str, Any]) -> str:
    return f"{swept.board['study']}-{trial['number']:04d}"


def test_the_printed_address_shows_the_best_trial_in_the_first_row(browser: Any, swept: Any) -> None:
    best = swept.board["trials"][0]
    browser.open(swept.address)
    row = browser.wait(ROW, 0, run_name(swept, best))
    assert shown(best) in row.split("\n")
    assert "complete" in row


def test_the_table_ranks_every_trial(browser: Any, swept: Any) -> None:
    browser.open(swept.address)
    for place, trial in enumerate(swept.board["trials"]):
        assert shown(trial) in browser.wait(ROW, place, run_name(swept, trial)).split("\n")


def test_the_best_trial_has_its_table_of_dimensions(browser: Any, swept: Any) -> None:
    best = swept.board["trials"][0]
    browser.open(swept.address)
    browser.wait(ROW, 0, run_name(swept, best))
    browser.click('.ag-row[row-index="0"] a', run_name(swept, best))
    browser.wait("return location.hash.includes(arguments[0])", best["run_id"])
    browser.click('[role="tab"]', "Artifacts")
    for part in "eval", "best_metrics.json":
        browser.click("div, span", part)
    values = [str(metrics["cosine_map@100"]).removesuffix(".0") for metrics in best["metrics"].values()]
    browser.wait(TEXT, "\n".join(["metric", *best["metrics"]]))
    browser.wait(TEXT, "\n".join(["cosine_map@100", *values]))
