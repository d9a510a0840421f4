"""The decision in sentences. Pure."""

from __future__ import annotations

from embedtune.release.choice.candidates import Kind
from embedtune.release.choice.selection import Selection
from embedtune.release.gate.gate import Check
from embedtune.statistics import Comparison


def check_words(check: Check, candidate: str, split: str) -> str:
    """One test of the gate, with its figures and, where it failed, the effect of more data."""
    if check.margin:
        what = f"worse than the {check.against} by no more than {check.margin:g}"
    else:
        what = f"better than the {check.against}"
    shown = "is" if check.passed else "was not shown to be"
    text = f"{candidate} {shown} {what}: {comparison_words(check.comparison)} on {_queries(check.comparison, split)}."
    return text if check.passed else f"{text} {_more_data(check)}"


def comparison_words(comparison: Comparison) -> str:
    """``+0.0312 (95 % interval +0.0101 to +0.0523, p = 0.0021)``, the p-value adjusted."""
    low, high, level = comparison.interval.low, comparison.interval.high, comparison.interval.level
    interval = f"{level * 100:g} % interval {low:+.4f} to {high:+.4f}"
    return f"{comparison.mean:+.4f} ({interval}, {p_words(comparison.adjusted_p)})"


def p_words(p_value: float) -> str:
    """A p-value as far as resampling knows it."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def unused_words(selection: Selection) -> str:
    """Why nothing new is put forward."""
    kept = "the model in use" if selection.chosen.kind is Kind.INCUMBENT else f"the {selection.chosen.name}"
    hope = "More queries may tell them apart" if len(selection.tied) > 1 else "Another search may find a better one"
    return f"Keep {kept}: {selection.reason}. {hope}; release.trial=NUMBER puts a trial forward all the same."


def _queries(comparison: Comparison, split: str) -> str:
    grouped = f" in {comparison.groups} groups that share passages" if comparison.groups < comparison.queries else ""
    return f"{comparison.queries} {split} queries{grouped}"


def _more_data(check: Check) -> str:
    if check.queries_needed is None:
        return "The difference points the other way, so more queries alone would not help."
    if check.queries_needed <= check.comparison.queries:
        return "It is close to the level; more queries, or fewer trials to correct for, would decide."
    return f"A difference of this size would need about {check.queries_needed:,} queries to be shown (power 0.8)."


def split_words(split: str) -> str:
    """The data behind scores, for people."""
    return "folds of the training data" if split == "folds" else f"{split} data"
