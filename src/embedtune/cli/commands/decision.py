"""The decision of a release, for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from embedtune.cli.commands.answer import Part
from embedtune.cli.commands.ui import browse_line
from embedtune.config import Config
from embedtune.records import opened_again
from embedtune.release.choice.candidates import Kind
from embedtune.release.export.writing import Release
from embedtune.release.gate.decision import Decision, Standing
from embedtune.release.gate.measurements import RELEASED, UNTUNED
from embedtune.release.gate.sizes import SizeReport
from embedtune.reporting.tables import make_table
from embedtune.statistics import Interval

GIGABYTE = 1_000_000_000


def decision_parts(decision: Decision) -> Iterator[Part]:
    """The candidates, the verdict with its reasons, and which sizes of embedding suffice."""
    yield _candidates(decision)
    yield from verdict_lines(decision)
    if decision.sizes is not None:
        yield ""
        yield _sizes_line(decision.sizes, str(decision.judged_on))
        yield _sizes(decision.sizes, decision.objective)


def verdict_lines(decision: Decision) -> list[str]:
    """The decision and its reasons, one line each."""
    chosen = decision.selection.chosen.name
    lines = [f"Chosen:  {decision.selection.reason}."]
    if not decision.promoted:
        lines.append("Verdict: refuse. Nothing is exported or registered.")
    elif decision.gated:
        lines.append(f"Verdict: promote {chosen}.")
    else:
        lines.append(f"Verdict: promote {chosen}, with the gate off (release.gate=false).")
    lines += [f"         {reason}" for reason in decision.reasons]
    if decision.checks and decision.judged_on != "test":
        judge = "the scores that chose it" if decision.chosen_on == "validation" else "validation"
        lines.append(f"         Without a test split this was judged on {judge}, corrected for every trial.")
    if decision.synthetic is not None:
        lines.append(f"         {decision.synthetic.sentence}")
    if len(decision.openings) > 1:
        lines.append(f"         {opened_again(len(decision.openings))}")
    return lines


def release_parts(release: Release, config: Config, folder: str, version: str | None, hub: str | None) -> list[Part]:
    """A release for people: its decision, its scores beside the untuned model's, and where it is."""
    decision, objective, name = release.decision, release.case.objective, release.name
    untuned, study = release.measured.metrics(UNTUNED), release.case.study.name
    rows = [
        [split, dim, f"{untuned[split][dim][objective]:.4f}", f"{metrics[objective]:.4f}"]
        for split, dims in release.measured.metrics(RELEASED).items()
        for dim, metrics in dims.items()
    ]
    title = f"{name}: {decision.selection.chosen.name} of {study}, {objective}"
    lines = [f"Folder:     {folder}  (SentenceTransformer loads it; README.md is its card)"]
    if version is not None:
        aliases = [config.release.alias, *(["champion"] if decision.gated else [])]
        registered = f"{name} version {version} @{' @'.join(aliases)}"
        lines.append(f"Registered: {registered}  (python -m embedtune ui, Models)")
        lines += browse_line(config, study)
    if release.onnx is not None:
        differs = f"{release.onnx.comparison.mean:+.4f}"
        lines.append(f"ONNX:       onnx/model.onnx, {release.onnx.precision}, {objective} differs by {differs}")
    if hub is not None:
        lines.append(f"Uploaded:   {hub}")
    scores = make_table(["split", "dimension", "untuned", "released"], rows, title)
    return [*decision_parts(decision), scores, *lines]


def _candidates(decision: Decision) -> Table:
    level = f"{decision.criterion.level * 100:g} % interval"
    rows = [
        [
            standing.candidate.name,
            f"{standing.candidate.value:.4f}",
            *([str(standing.candidate.dim)] if decision.dims_differ else []),
            _interval(standing.interval),
            _number(standing.shrunken),
            f"{standing.candidate.seconds:.0f}" if standing.candidate.seconds else "-",
            _remarks(decision, standing),
        ]
        for standing in decision.standings
    ]
    at = "the size of each" if decision.dims_differ else f"{decision.dim} dimensions"
    title = f"Candidates by {decision.objective} at {at}, {decision.chosen_on}"
    size = ["dimensions"] if decision.dims_differ else []
    return make_table(["candidate", "mean", *size, level, "shrunken", "seconds", ""], rows, title)


def _sizes(report: SizeReport, objective: str) -> Table:
    rows = [
        [
            str(row.size.dim),
            row.size.precision.value,
            f"{row.size.bytes_per_million / GIGABYTE:.3f}",
            f"{row.size.value:.4f}",
            f"{row.comparison.mean:+.4f}" if row.comparison else "-",
            f"{row.comparison.adjusted_p:.4f}" if row.comparison else "-",
            "yes" if row.sufficient else "not shown",
        ]
        for row in report.rows
    ]
    columns = ["dimension", "numbers", "GB a million", objective, "difference", "p", "suffices"]
    return make_table(columns, rows)


def _sizes_line(report: SizeReport, split: str) -> str:
    return (
        f"Sizes:   {report.smallest_dim} dimensions suffice, at most {report.margin:g} worse than full size on {split};"
        f" the smallest index that does has {report.cheapest.dim} in {report.cheapest.precision.value}."
    )


def _remarks(decision: Decision, standing: Standing) -> str:
    candidate = standing.candidate
    remarks = {
        "chosen": standing is decision.chosen,
        "default recipe": candidate.is_default,
        "tied": decision.is_tied(standing) and decision.is_tie,
        "weights gone": candidate.kind is Kind.TRIAL and not candidate.is_releasable,
        f"fresh seeds: {candidate.seeds}": candidate.seeds > 0,
    }
    return ", ".join(text for text, holds in remarks.items() if holds)


def _interval(interval: Interval) -> str:
    return f"{interval.low:.4f} to {interval.high:.4f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
