"""The ONNX form of a product: exported, scored again, and judged against the safetensors model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedtune.errors import ReleaseError
from embedtune.records import Metrics
from embedtune.release.choice.case import Case
from embedtune.release.export.onnx import export_onnx, load_onnx
from embedtune.release.export.product import Product
from embedtune.release.gate.decision import comparison_values
from embedtune.release.gate.measurements import RELEASED, Measured
from embedtune.statistics import Comparison, Criterion, compare


@dataclass(frozen=True)
class OnnxReport:
    """What was measured of an ONNX file.

    Attributes:
        file: The file.
        precision: ``fp32`` or ``int8``.
        size: Bytes of the file.
        split: The split that judged.
        metrics: Split -> scores.
        comparison: Against the safetensors model on that split, in the objective.
        passed: Whether it is not worse by more than the margin.
    """

    file: Path
    precision: str
    size: int
    split: str
    metrics: Mapping[str, Metrics]
    comparison: Comparison
    passed: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "precision": self.precision,
            "size": self.size,
            "split": self.split,
            "metrics": dict(self.metrics),
            "comparison": comparison_values(self.comparison),
            "passed": self.passed,
        }


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
