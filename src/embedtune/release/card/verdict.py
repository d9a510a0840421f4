"""The card's section about the decision: the models judged, the method, and the outcome."""

from __future__ import annotations

import time
from collections.abc import Sequence

from embedtune.records import Opening
from embedtune.release.card.markdown import ABSENT, bold, inline, number, table
from embedtune.release.choice.candidates import Kind
from embedtune.release.gate.decision import Decision, Standing
from embedtune.release.gate.sizes import SizeReport
from embedtune.release.gate.words import split_words
from embedtune.statistics import Interval
from embedtune.units import duration


def decision_facts(decision: Decision, leakage: Sequence[str] | None) -> list[tuple[str, str]]:
    """Names and Markdown of the basis of the decision.

    Args:
        decision: Of the release.
        leakage: What was found in more than one split of the data; None if nobody looked.
    """
    criterion, chosen = decision.criterion, decision.chosen
    gate = f"one-sided, level {criterion.level:g}; at most {criterion.margin:g} below the incumbent"
    seeds = chosen.candidate.seeds
    return [
        ("Gate", gate if decision.gated else "**not gated:** exported without having to pass the tests below"),
        ("Judged", f"<code>{inline(decision.objective)}</code> at {decision.dim} dimensions{_each(decision)}"),
        ("Chosen because", inline(decision.selection.reason)),
        ("Seeds behind the choice", f"{seeds} fresh ones" if seeds else "1, that of the trial"),
        ("Interval of its mean", f"{_interval(chosen.interval)} on {split_words(decision.chosen_on)}"),
        ("Shrunken estimate", _shrunken(chosen)),
        ("Training time of the candidates", duration(_training_seconds(decision))),
        ("Openings of the test split", _openings(decision.openings)),
        ("Leakage and repeated texts in the data", _findings(leakage)),
    ]


def _each(decision: Decision) -> str:
    return "; models of another size at their own full size" if decision.dims_differ else ""


def candidate_table(decision: Decision) -> str:
    """Every candidate by the scores that chose among them; the chosen one is bold."""
    level = f"{decision.criterion.level * 100:g} % interval"
    rows = []
    for standing in decision.standings:
        candidate = standing.candidate
        row = [
            inline(candidate.name) + (" (default recipe)" if candidate.is_default else ""),
            number(candidate.value),
            *([str(candidate.dim)] if decision.dims_differ else []),
            _interval(standing.interval),
            number(standing.shrunken),
            duration(candidate.seconds) if candidate.seconds else ABSENT,
            "yes" if decision.is_tied(standing) and decision.is_tie else "no",
        ]
        rows.append([bold(cell) for cell in row] if standing is decision.chosen else row)
    size = ["Dimensions"] if decision.dims_differ else []
    return table(["Candidate", "Mean", *size, level, "Shrunken", "Training time", "Tie"], rows, "lr")


def comparison_table(decision: Decision) -> str:
    """The gate's tests."""
    header = ["Compared with", "Split", "Difference", "Interval", "Margin", "p", "Effect size", "Queries", "Passed"]
    rows = [
        [
            inline(check.against),
            inline(decision.judged_on),
            f"{check.comparison.mean:+.4f}",
            _interval(check.comparison.interval, "+.4f"),
            f"{check.margin:g}",
            f"{check.comparison.adjusted_p:.4f}",
            number(check.comparison.finite_effect_size),
            f"{check.comparison.queries} in {check.comparison.groups} groups",
            "yes" if check.passed else "no",
        ]
        for check in decision.checks
    ]
    return table(header, rows, "lr")


def size_table(sizes: SizeReport) -> str:
    """Quality against the size of an index, for each dimension and number format."""
    header = ["Dimensions", "Numbers", "Index bytes per million documents", "Mean", "Difference", "p", "Suffices"]
    rows = []
    for row in sizes.rows:
        size, comparison = row.size, row.comparison
        difference = ABSENT if comparison is None else f"{comparison.mean:+.4f}"
        p_value = ABSENT if comparison is None else f"{comparison.adjusted_p:.4f}"
        cells = [str(size.dim), size.precision.value, f"{size.bytes_per_million:,}", number(size.value)]
        rows.append([*cells, difference, p_value, "yes" if row.sufficient else "not shown"])
    return table(header, rows, "r")


def _training_seconds(decision: Decision) -> float:
    """Of the candidates and their fresh seeds; an average cost what its members did, which are counted."""
    trained = (own.candidate for own in decision.standings if own.candidate.kind is not Kind.SOUP)
    return sum(candidate.seconds + candidate.seed_seconds for candidate in trained)


def _shrunken(chosen: Standing) -> str:
    if chosen.shrunken is None:
        return f"{ABSENT} (it was not picked for these scores)"
    value = chosen.candidate.value
    return f"{chosen.shrunken:.4f} of {value:.4f}: what is left when the luck of the best is taken off"


def _interval(interval: Interval, form: str = ".4f") -> str:
    return f"{interval.low:{form}} to {interval.high:{form}}"


def _openings(openings: Sequence[Opening]) -> str:
    if not openings:
        return "none"
    said = "; ".join(f"{inline(o.reason)} on {time.strftime('%Y-%m-%d', time.gmtime(o.time))}" for o in openings)
    warning = "" if len(openings) == 1 else ". **After the first one, test scores are no longer blind**"
    return f"{len(openings)} ({said}){warning}"


def _findings(findings: Sequence[str] | None) -> str:
    if findings is None:
        return "not looked for"
    return "none found" if not findings else " ".join(inline(finding) for finding in findings)
