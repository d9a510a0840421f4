"""Measurements of the ONNX form of a release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedtune.records import Metrics
from embedtune.release.gate.decision import comparison_values
from embedtune.statistics import Comparison
from embedtune.typed import Document


@dataclass(frozen=True)
class OnnxReport:
    """Measurements of an ONNX file.

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

    def to_dict(self) -> Document:
        """Plain types for JSON."""
        return {
            "precision": self.precision,
            "size": self.size,
            "split": self.split,
            "metrics": dict(self.metrics),
            "comparison": comparison_values(self.comparison),
            "passed": self.passed,
        }
