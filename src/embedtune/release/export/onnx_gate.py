"""The ONNX form of a product: exported, scored again, and judged against the safetensors model."""

from __future__ import annotations

from pathlib import Path

from embedtune.errors import ReleaseError
from embedtune.release.choice.case import Case
from embedtune.release.export.onnx import export_onnx, load_onnx
from embedtune.release.export.product import Product
from embedtune.release.gate.measurements import RELEASED, Measured
from embedtune.release.gate.onnx_report import OnnxReport
from embedtune.statistics import Criterion, compare


def measure_onnx(case: Case, product: Product, measured: Measured, criterion: Criterion, file: Path) -> OnnxReport:
    """Export a product to ONNX, if that is not worse than the safetensors model by more than the margin.

    Args:
        case: What is decided on; ``release.onnx`` says the precision.
        product: What will be exported.
        measured: Its scores.
        criterion: Level and margin of the gate.
        file: Where to write it.

    Raises:
        ReleaseError: The model cannot be exported, or the gate says no.
    """
    precision = str(case.options.onnx)
    export_onnx(product.folder, file, precision)
    model = load_onnx(product.folder, file)
    splits = measured.scores[RELEASED]
    scores = {split: case.measure(model, split) for split in splits}
    reference = splits[measured.judge]
    judged = {precision: case.values(scores[measured.judge])}
    comparison = compare(judged, case.values(reference), measured.groups, criterion)[precision]
    passed = criterion.met_by(comparison)
    if case.options.gate and not passed:
        raise ReleaseError(
            f"release.onnx={precision} must not be worse than the safetensors model by more than "
            f"{criterion.margin:g}, but {case.objective} differs by {comparison.mean:+.4f} on {measured.judge} "
            f"(p = {comparison.p_value:.3f}). "
            f"Release without it, {'or with release.onnx=fp32' if precision == 'int8' else 'it is broken here'}."
        )
    metrics = {split: found.metrics for split, found in scores.items()}
    return OnnxReport(file, precision, file.stat().st_size, measured.judge, metrics, comparison, passed)
