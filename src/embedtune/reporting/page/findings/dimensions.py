"""Quality against embedding size, for the best trials and the untuned base model. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from embedtune.records import TrialRecord
from embedtune.reporting.page.inputs import Absent, ReportInputs
from embedtune.units import size

SHOWN = 4
"""Trials drawn; more would hide each other."""
NEARLY = 0.95
"""Share of the full size's quality that counts as kept."""
_INDEX_BYTES = 4 * 1_000_000
"""Of a million float32 vectors, for each dimension."""


@dataclass(frozen=True)
class DimensionsInfo:
    """Findings on quality against dimension.

    Attributes:
        metric: The objective.
        dims: Sizes, ascending.
        lines: Name -> value by dimension, the best trial first.
        baseline: The untuned base model's values; empty without one.
    """

    metric: str
    dims: tuple[int, ...]
    lines: Mapping[str, Mapping[int, float]]
    baseline: Mapping[int, float]

    @property
    def finding(self) -> str:
        """The finding in words."""
        name, line = next(iter(self.lines.items()), ("the untuned model", self.baseline))
        full = max(line)
        found = [f"{name[0].upper()}{name[1:]} {self._kept(line)}"]
        if self.lines and full in self.baseline:
            above = [dim for dim in line if line[dim] >= self.baseline[full]]
            if above:
                found.append(f"With {min(above)} it is at least as good as the untuned model with {full}.")
        return " ".join(found)

    def _kept(self, line: Mapping[int, float]) -> str:
        full = max(line)
        small = min(dim for dim in line if line[dim] >= NEARLY * line[full])
        if line[full] <= 0:
            return "has no score above zero at its full size."
        if small == full:
            return f"keeps less than {NEARLY:.0%} of its score at every smaller size."
        return (
            f"keeps {line[small] / line[full]:.0%} of its score with {small} of {full} dimensions: "
            f"{index_size(small)} for a million documents instead of {index_size(full)}."
        )


def index_size(dim: int) -> str:
    """An index of a million documents as float32."""
    return size(dim * _INDEX_BYTES)


def dimensions_info(inputs: ReportInputs) -> DimensionsInfo | Absent:
    """The best trials, complete ones only, and the baseline at every size measured."""
    lines = {f"trial {record.number}": _by_dim(record, inputs.metric) for record in inputs.complete[:SHOWN]}
    lines = {name: line for name, line in lines.items() if line}
    baseline = _by_dim(inputs.baseline, inputs.metric) if inputs.baseline else {}
    dims = sorted({dim for line in (*lines.values(), baseline) for dim in line})
    if not dims:
        return Absent("No complete trial was measured yet.")
    if len(dims) == 1:
        return Absent(f"One size was measured: {dims[0]} dimensions.")
    return DimensionsInfo(inputs.metric, tuple(dims), lines, baseline)


def _by_dim(record: TrialRecord, metric: str) -> dict[int, float]:
    return {int(dim): values[metric] for dim, values in record.metrics.items() if metric in values}
