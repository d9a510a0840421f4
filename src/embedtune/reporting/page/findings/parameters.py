"""Every trial's place on the axis of every parameter: what slices and parallel coordinates draw. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from embedtune.records import State
from embedtune.reporting.page.axes import Axis, axis_of
from embedtune.reporting.page.inputs import Absent, ReportInputs, value_of


@dataclass(frozen=True)
class PlacedTrial:
    """One trial.

    Attributes:
        number: Its number.
        state: How it ended.
        value: The objective.
        places: By axis, from 0 to 1; None where the trial has no such parameter.
    """

    number: int
    state: State
    value: float
    places: tuple[float | None, ...]


@dataclass(frozen=True)
class ParametersInfo:
    """Findings on slices and parallel coordinates.

    Attributes:
        metric: The objective.
        axes: One for each parameter.
        trials: Those with a value, the best first.
        finding: How to read it.
    """

    metric: str
    axes: tuple[Axis, ...]
    trials: tuple[PlacedTrial, ...]
    finding: str


def slices_info(inputs: ReportInputs) -> ParametersInfo | Absent:
    """The trials with a value over each parameter."""
    trials = inputs.ranked
    if not trials:
        return Absent("No trial has a score yet.")
    if not inputs.keys:
        return Absent("No parameter differs between the trials.")
    axes = tuple(
        axis_of(key, inputs.distributions.get(key), [record.params[key] for record in trials if key in record.params])
        for key in inputs.keys
    )
    placed = tuple(
        PlacedTrial(
            record.number,
            record.state,
            value_of(record),
            tuple(axis.place(record.params[axis.key]) if axis.key in record.params else None for axis in axes),
        )
        for record in trials
    )
    text = (
        "Each point is a trial. Points that rise to one side say which way helps; level ones, that it matters little."
    )
    return ParametersInfo(inputs.metric, axes, placed, text)


def parallel_info(inputs: ReportInputs) -> ParametersInfo | Absent:
    """The same, where lines between axes say more than points over each."""
    info = slices_info(inputs)
    if isinstance(info, ParametersInfo) and len(info.trials) < 2:
        return Absent("One trial has a score: there is nothing to compare.")
    if isinstance(info, Absent):
        return info
    text = (
        f"Each line is one of {len(info.trials)} trials, the darker the better; the best is green, pruned are dashed."
    )
    return replace(info, finding=text)
