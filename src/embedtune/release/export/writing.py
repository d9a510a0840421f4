"""Write a release, and check that the written model reproduces the measured scores."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedtune.records import Metrics
from embedtune.release.card.card import render_card
from embedtune.release.card.inputs import CardInputs, SearchSummary, examples_of
from embedtune.release.choice.case import VALIDATION, Case
from embedtune.release.export.evidence import check_reproduced, collect_evidence
from embedtune.release.export.export import Contents, export_release
from embedtune.release.export.product import Product
from embedtune.release.gate.decision import Decision
from embedtune.release.gate.measurements import RELEASED, UNTUNED, Measured
from embedtune.release.gate.onnx_report import OnnxReport


@dataclass(frozen=True)
class Release:
    """A release that was decided on: all that its folder is written from.

    Attributes:
        name: Of the release.
        case: What was decided on.
        product: What is exported.
        measured: Its scores and those it was compared with.
        decision: Why it and no other.
        search: What it was found by.
        onnx: The same model in ONNX, if that was asked for.
    """

    name: str
    case: Case
    product: Product
    measured: Measured
    decision: Decision
    search: SearchSummary
    onnx: OnnxReport | None = None


def write_release(release: Release, target: Path) -> None:
    """Write the folder with its card and its evidence.

    Args:
        release: Decided on.
        target: The release folder.

    Raises:
        ReleaseError: The folder cannot be written, or what was written scores otherwise.
    """
    case, onnx = release.case, release.onnx
    evidence = collect_evidence(release.product, release.measured, release.decision, release.search)
    if onnx is not None:
        evidence["onnx.json"] = json.dumps(onnx.to_dict(), indent=2) + "\n"
    card = render_card(_card_inputs(release))
    contents = Contents(release.product.folder, card, evidence, onnx.file if onnx else None)

    def verify(folder: Path) -> None:
        again = case.measure(case.load(folder), VALIDATION)
        check_reproduced(release.measured.metrics(RELEASED)[VALIDATION], again.metrics)

    export_release(contents, target, overwrite=case.options.overwrite, verify=verify)


def _card_inputs(release: Release) -> CardInputs:
    case, product, measured = release.case, release.product, release.measured
    scores = measured.metrics(RELEASED)
    baseline: dict[str, Metrics] = {
        split: {dim: values for dim, values in metrics.items() if dim in scores[split]}
        for split, metrics in measured.metrics(UNTUNED).items()
    }
    return CardInputs(
        name=release.name,
        record=product.record,
        facts=product.facts,
        evaluations=product.evaluations,
        scores=scores,
        baseline=baseline,
        objective=case.objective,
        search=release.search,
        examples=examples_of(case.bench.task.splits[VALIDATION]),
        decision=release.decision,
        parts=product.parts,
        license=case.options.license,
        languages=_languages(case.options.language),
        onnx=release.onnx,
    )


def _languages(said: Any) -> tuple[str, ...]:
    return () if said is None else (said,) if isinstance(said, str) else tuple(said)
