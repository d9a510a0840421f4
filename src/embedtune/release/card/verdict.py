"""The card's section about the decision: who was judged, how, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from embedtune.release.card.inputs import CardInputs
from embedtune.release.card.markdown import ABSENT, bold, inline, number, table
from embedtune.release.gate.words import split_words
from embedtune.units import duration

Decision = Mapping[str, Any]
"""As :meth:`embedtune.release.gate.decision.Decision.to_dict` gives it."""


def decision_facts(inputs: CardInputs) -> list[tuple[str, str]]:
    """Names and Markdown of what the decision stood on."""
    decision: Decision = inputs.decision or {}
    selection, chosen = decision["selection"], _chosen(decision)
    gate = f"one-sided, level {decision['level']:g}; at most {decision['margin']:g} below the incumbent"
    return [
        ("Gate", gate if decision["gated"] else "**not gated:** exported without having to pass the tests below"),
        ("Judged", f"<code>{inline(decision['objective'])}</code> at {decision['dim']} dimensions"),
        ("Chosen because", inline(selection["reason"])),
        ("Seeds behind the choice", f"{chosen['seeds']} fresh ones" if chosen["seeds"] else "1, that of the trial"),
        ("Interval of its mean", f"{_interval(chosen['interval'])} on {split_words(selection['split'])}"),
        ("Shrunken estimate", _shrunken(chosen)),
        ("Training time of the candidates", duration(_training_seconds(decision))),
        ("Openings of the test split", _openings(decision["openings"])),
        ("Leakage and repeated texts in the data", _findings(inputs.study.get("leakage"))),
    ]


def candidate_table(decision: Decision) -> str:
    """Every candidate by the scores that chose among them; the chosen one is bold."""
    header = ["Candidate", "Mean", f"{decision['level'] * 100:g} % interval", "Shrunken", "Training time", "Tie"]
    rows, is_tie = [], len(decision["selection"]["tied"]) > 1
    for entry in decision["candidates"]:
        name = inline(entry["name"]) + (" (default recipe)" if entry["default"] else "")
        row = [name, number(entry["value"]), _interval(entry["interval"]), number(entry["shrunken"])]
        row += [duration(entry["seconds"]) if entry["seconds"] else ABSENT, "yes" if entry["tied"] and is_tie else "no"]
        rows.append([bold(cell) for cell in row] if entry["chosen"] else row)
    return table(header, rows, "lr")


def comparison_table(decision: Decision) -> str:
    """The gate's tests."""
    header = ["Compared with", "Split", "Difference", "Interval", "Margin", "p", "Effect size", "Queries", "Passed"]
    rows = [
        [
            inline(entry["against"]),
            inline(entry["split"]),
            f"{entry['mean']:+.4f}",
            _interval(entry["interval"], "+.4f"),
            f"{entry['margin']:g}",
            f"{entry['adjusted_p']:.4f}",
            number(entry["effect_size"]),
            f"{entry['queries']} in {entry['groups']} groups",
            "yes" if entry["passed"] else "no",
        ]
        for entry in decision["comparisons"]
    ]
    return table(header, rows, "lr")


def size_table(decision: Decision) -> str:
    """Quality against the size of an index, for each dimension and number format."""
    sizes = decision["dims"]
    header = ["Dimensions", "Numbers", "Index bytes per million documents", "Mean", "Difference", "p", "Suffices"]
    rows = []
    for entry in sizes["rows"]:
        comparison = entry["comparison"]
        difference = ABSENT if comparison is None else f"{comparison['mean']:+.4f}"
        p_value = ABSENT if comparison is None else f"{comparison['adjusted_p']:.4f}"
        row = [str(entry["dim"]), entry["precision"], f"{entry['bytes_per_million']:,}", number(entry["value"])]
        rows.append([*row, difference, p_value, "yes" if entry["sufficient"] else "not shown"])
    return table(header, rows, "r")


def _chosen(decision: Decision) -> Mapping[str, Any]:
    return next(entry for entry in decision["candidates"] if entry["chosen"])


def _training_seconds(decision: Decision) -> float:
    """Of the candidates and their fresh seeds; an average cost what its members did, which are counted."""
    trained = (entry for entry in decision["candidates"] if entry["kind"] != "soup")
    return float(sum(entry["seconds"] + entry["seed_seconds"] for entry in trained))


def _shrunken(chosen: Mapping[str, Any]) -> str:
    if chosen["shrunken"] is None:
        return f"{ABSENT} (it was not picked for these scores)"
    return f"{chosen['shrunken']:.4f} of {chosen['value']:.4f}: what is left when the luck of the best is taken off"


def _interval(bounds: Sequence[float], form: str = ".4f") -> str:
    low, high = bounds
    return f"{low:{form}} to {high:{form}}"


def _openings(openings: Sequence[Mapping[str, Any]]) -> str:
    if not openings:
        return "none"
    said = "; ".join(f"{inline(o['reason'])} on {time.strftime('%Y-%m-%d', time.gmtime(o['time']))}" for o in openings)
    warning = "" if len(openings) == 1 else ". **After the first one, test scores are no longer blind**"
    return f"{len(openings)} ({said}){warning}"


def _findings(findings: Sequence[str] | None) -> str:
    if findings is None:
        return "not looked for"
    return "none found" if not findings else " ".join(inline(finding) for finding in findings)
