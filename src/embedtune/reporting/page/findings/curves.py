"""The objective while trials train. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from embedtune.records import State
from embedtune.reporting.page.inputs import Absent, ReportInputs


@dataclass(frozen=True)
class Curve:
    """One trial.

    Attributes:
        number: Its number.
        state: How it ended, or that it still runs.
        epochs: Of its evaluations.
        values: The objective at each.
    """

    number: int
    state: State
    epochs: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class CurvesInfo:
    """Findings on the intermediate values.

    Attributes:
        metric: The objective.
        curves: In order of number.
        best: The number of the best trial; None while none has ended.
        baseline: The untuned base model's value.
    """

    metric: str
    curves: tuple[Curve, ...]
    best: int | None
    baseline: float | None

    @property
    def finding(self) -> str:
        """The finding in words."""
        curve = next((curve for curve in self.curves if curve.number == self.best), None)
        if curve is None:
            return "No trial has ended yet."
        peak = curve.epochs[curve.values.index(max(curve.values))]
        fall = max(curve.values) - curve.values[-1]
        after = f" and lost {fall:.4f} by the end" if fall > 0 else ""
        return f"The best trial, {curve.number}, peaked at epoch {peak:.3g} of {curve.epochs[-1]:.3g}{after}."


def curves_info(inputs: ReportInputs) -> CurvesInfo | Absent:
    """The evaluations of every trial."""
    curves = tuple(
        Curve(
            record.number,
            record.state,
            tuple(evaluation.epoch for evaluation in evaluations),
            tuple(evaluation.value for evaluation in evaluations),
        )
        for record in inputs.records
        if (evaluations := inputs.evaluations.get(record.number))
    )
    if not curves:
        return Absent("No trial was evaluated yet.")
    best = inputs.best
    return CurvesInfo(inputs.metric, curves, best.number if best else None, inputs.untuned)
