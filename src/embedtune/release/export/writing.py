"""Write a release, and check that what was written scores as what was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embedtune.records import Metrics
from embedtune.release.card.card import render_card
from embedtune.release.card.examples import usage_example, widget_examples
from embedtune.release.card.inputs import CardInputs
from embedtune.release.choice.case import VALIDATION, Case
from embedtune.release.export.evidence import check_reproduced, collect_evidence
from embedtune.release.export.export import export_release
from embedtune.release.export.onnx_gate import OnnxReport
from embedtune.release.export.product import Product
from embedtune.release.gate.measurements import RELEASED, UNTUNED, Measured


def write_release(
    case: Case,
    target: Path,
    product: Product,
    measured: Measured,
    onnx: OnnxReport | None,
    *,
    decision: Mapping[str, Any],
    summary: Mapping[str, Any],
) -> None:
    """Write the folder with its card and its evidence.

    Args:
        case: What was decided on.
        target: The release folder; its name is the release's.
        product: What is exported.
        measured: Its scores and those it was compared with.
        onnx: The same model in ONNX, if that was asked for.
        decision: As the command answers it.
        summary: The search, as the card and the evidence have it.

    Raises:
        ReleaseError: The folder cannot be written, or what was written scores otherwise.
    """
    report = onnx.to_dict() if onnx else None
    card = render_card(_card_inputs(case, target.name, product, measured, report, decision, summary))
    evidence = collect_evidence(product, measured, decision, summary)
    if report:
        evidence["onnx.json"] = json.dumps(report, indent=2) + "\n"

    def verify(folder: Path) -> None:
        again = case.measure(case.load(folder), VALIDATION)
        check_reproduced(measured.metrics(RELEASED)[VALIDATION], again.metrics)

    export_release(
        product.folder,
        target,
        card=card,
        evidence=evidence,
        overwrite=case.options.overwrite,
        onnx=onnx.file if onnx else None,
        verify=verify,
    )


def _card_inputs(
    case: Case,
    name: str,
    product: Product,
    measured: Measured,
    onnx: Mapping[str, Any] | None,
    decision: Mapping[str, Any],
    summary: Mapping[str, Any],
) -> CardInputs:
    validation = case.bench.task.splits[VALIDATION]
    scores = measured.metrics(RELEASED)
    baseline: dict[str, Metrics] = {
        split: {dim: values for dim, values in metrics.items() if dim in scores[split]}
        for split, metrics in measured.metrics(UNTUNED).items()
    }
    return CardInputs(
        name=name,
        record=product.record,
        facts=product.facts,
        evaluations=product.evaluations,
        scores=scores,
        baseline=baseline,
        objective=case.objective,
        study=summary,
        usage=usage_example(validation),
        widget=widget_examples(validation),
        decision=decision,
        parts=product.parts,
        license=case.options.license,
        languages=_languages(case.options.language),
        onnx=onnx,
    )


def _languages(said: Any) -> tuple[str, ...]:
    return () if said is None else (said,) if isinstance(said, str) else tuple(said)
