"""Every plot of the report, drawn, or the reason why it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from embedtune.reporting.page.figures.canvas import Picture, take_picture
from embedtune.reporting.page.figures.front_figure import draw_front
from embedtune.reporting.page.figures.parameter_figures import draw_importance, draw_parallel, draw_slices
from embedtune.reporting.page.figures.trial_figures import draw_cost, draw_curves, draw_dimensions, draw_history
from embedtune.reporting.page.findings.cost import cost_info
from embedtune.reporting.page.findings.curves import curves_info
from embedtune.reporting.page.findings.dimensions import dimensions_info
from embedtune.reporting.page.findings.history import history_info
from embedtune.reporting.page.findings.importance import importance_info
from embedtune.reporting.page.findings.parameters import parallel_info, slices_info
from embedtune.reporting.page.findings.pareto import pareto_info
from embedtune.reporting.page.inputs import Absent, ReportInputs


@dataclass(frozen=True)
class Plot:
    """One plot of the report.

    Attributes:
        name: Of its file, without an extension.
        title: Its heading.
        wide: Whether it takes a whole row of the page.
        text: What it shows, or why there is nothing to show.
        picture: None where there is nothing to show.
    """

    name: str
    title: str
    wide: bool
    text: str
    picture: Picture | None


@dataclass(frozen=True)
class _Kind:
    name: str
    title: str
    collect: Callable[[ReportInputs], Any]
    draw: Callable[[Any], Figure]
    wide: bool = False


_FRONT = _Kind("front", "Both objectives", pareto_info, draw_front, wide=True)
KINDS = (
    _Kind("history", "Optimisation history", history_info, draw_history),
    _Kind("importance", "Parameter importance", importance_info, draw_importance),
    _Kind("slices", "Score by parameter", slices_info, draw_slices, wide=True),
    _Kind("parallel", "Parallel coordinates", parallel_info, draw_parallel, wide=True),
    _Kind("intermediate", "While training", curves_info, draw_curves),
    _Kind("dimensions", "Quality by dimension", dimensions_info, draw_dimensions),
    _Kind("cost", "Cost", cost_info, draw_cost),
)


def draw_plots(inputs: ReportInputs) -> list[Plot]:
    """Draw all that the record has."""
    plots = []
    for kind in KINDS if inputs.second is None else (_FRONT, *KINDS):
        info = kind.collect(inputs)
        if isinstance(info, Absent):
            plots.append(Plot(kind.name, kind.title, kind.wide, info.reason, None))
        else:
            plots.append(Plot(kind.name, kind.title, kind.wide, info.finding, take_picture(kind.draw, info)))
    return plots
