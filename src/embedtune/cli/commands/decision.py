"""The decision of a release, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from embedtune.cli.commands.ui import browse_line
from embedtune.config import Config
from embedtune.records import opened_again
from embedtune.reporting.tables import make_table

GIGABYTE = 1_000_000_000


def decision_parts(decision: Mapping[str, Any]) -> Iterator[Any]:
    """The candidates, the verdict with its reasons, and which sizes of embedding suffice.

    Args:
        decision: As :meth:`embedtune.release.gate.decision.Decision.to_dict` gives it.
    """
    yield _candidates(decision)
    yield from verdict_lines(decision)
    if decision["dims"]:
        yield ""
        yield _sizes_line(decision["dims"])
        yield _sizes(decision)


def verdict_lines(decision: Mapping[str, Any]) -> list[str]:
    """What was decided and why, a line each."""
    chosen, selection = decision["chosen"]["name"], decision["selection"]
    lines = [f"Chosen:  {selection['reason']}."]
    if decision["verdict"] == "refuse":
        lines.append("Verdict: refuse. Nothing is exported or registered.")
    elif decision["gated"]:
        lines.append(f"Verdict: promote {chosen}.")
    else:
        lines.append(f"Verdict: promote {chosen}, with the gate off (release.gate=false).")
    lines += [f"         {reason}" for reason in decision["reasons"]]
    if decision["comparisons"] and decision["comparisons"][0]["split"] != "test":
        judge = "the scores that chose it" if selection["split"] == "validation" else "validation"
        lines.append(f"         Without a test split this was judged on {judge}, corrected for every trial.")
    if len(decision["openings"]) > 1:
        lines.append(f"         {opened_again(len(decision['openings']))}")
    return lines


def release_parts(document: Mapping[str, Any], config: Config) -> tuple[Any, ...]:
    """A release for people: its decision, its scores beside the untuned model's, and where it is."""
    objective = document["objective"]
    rows = [
        [split, dim, f"{document['untuned'][split][dim][objective]:.4f}", f"{metrics[objective]:.4f}"]
        for split, dims in document["scores"].items()
        for dim, metrics in dims.items()
    ]
    title = f"{document['release']}: {document['decision']['chosen']['name']} of {document['study']}, {objective}"
    lines = [f"Folder:     {document['folder']}  (SentenceTransformer loads it; README.md is its card)"]
    if document["version"] is not None:
        aliases = [config.release.alias, *(["champion"] if document["decision"]["gated"] else [])]
        version = f"{document['release']} version {document['version']} @{' @'.join(aliases)}"
        lines.append(f"Registered: {version}  (python -m embedtune ui, Models)")
        lines += browse_line(config, document["study"])
    if document["onnx"]:
        differs = f"{document['onnx']['comparison']['mean']:+.4f}"
        lines.append(f"ONNX:       onnx/model.onnx, {config.release.onnx}, {objective} differs by {differs}")
    if document["hub"]:
        lines.append(f"Uploaded:   {document['hub']}")
    scores = make_table(["split", "dimension", "untuned", "released"], rows, title)
    return (*decision_parts(document["decision"]), scores, *lines)


def _candidates(decision: Mapping[str, Any]) -> Any:
    split, level = decision["selection"]["split"], f"{decision['level'] * 100:g} % interval"
    rows = [
        [
            entry["name"],
            f"{entry['value']:.4f}",
            _interval(entry["interval"]),
            _number(entry["shrunken"]),
            f"{entry['seconds']:.0f}" if entry["seconds"] else "-",
            _remarks(entry, len(decision["selection"]["tied"]) > 1),
        ]
        for entry in decision["candidates"]
    ]
    title = f"Candidates by {decision['objective']} at {decision['dim']} dimensions, {split}"
    return make_table(["candidate", "mean", level, "shrunken", "seconds", ""], rows, title)


def _sizes(decision: Mapping[str, Any]) -> Any:
    sizes = decision["dims"]
    rows = [
        [
            str(row["dim"]),
            row["precision"],
            f"{row['bytes_per_million'] / GIGABYTE:.3f}",
            f"{row['value']:.4f}",
            f"{row['comparison']['mean']:+.4f}" if row["comparison"] else "-",
            f"{row['comparison']['adjusted_p']:.4f}" if row["comparison"] else "-",
            "yes" if row["sufficient"] else "not shown",
        ]
        for row in sizes["rows"]
    ]
    columns = ["dimension", "numbers", "GB a million", decision["objective"], "difference", "p", "suffices"]
    return make_table(columns, rows)


def _sizes_line(sizes: Mapping[str, Any]) -> str:
    cheapest = sizes["cheapest"]
    return (
        f"Sizes:   {sizes['smallest']} dimensions suffice, at most {sizes['margin']:g} worse than full size on "
        f"{sizes['split']}; the smallest index that does has {cheapest['dim']} in {cheapest['precision']}."
    )


def _remarks(entry: Mapping[str, Any], is_tie: bool) -> str:
    remarks = {
        "chosen": entry["chosen"],
        "default recipe": entry["default"],
        "tied": entry["tied"] and is_tie,
        "weights gone": entry["kind"] == "trial" and not entry["releasable"],
        f"fresh seeds: {entry['seeds']}": entry["seeds"] > 0,
    }
    return ", ".join(text for text, holds in remarks.items() if holds)


def _interval(bounds: Sequence[float]) -> str:
    low, high = bounds
    return f"{low:.4f} to {high:.4f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
