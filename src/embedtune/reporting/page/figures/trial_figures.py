"""Figures with trials as points, lines or bars: info in, figure out, nothing computed."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from embedtune.records import State
from embedtune.reporting.page.figures.canvas import (
    BLUE,
    COLORS,
    DARK,
    GREEN,
    GREY,
    HALF,
    ORANGE,
    PURPLE,
    RED,
    Look,
    new_figure,
)
from embedtune.reporting.page.findings.cost import ENDED, CostInfo
from embedtune.reporting.page.findings.curves import Curve, CurvesInfo
from embedtune.reporting.page.findings.dimensions import DimensionsInfo, index_size
from embedtune.reporting.page.findings.history import HistoryInfo

_BASELINE: Look = {"color": GREY, "linestyle": (0, (4, 3)), "linewidth": 1.4, "label": "untuned"}


def draw_history(info: HistoryInfo) -> Figure:
    """Values by trial, the best so far as a line, failed trials on the floor."""
    figure = new_figure(HALF, 3.9)
    axes = figure.add_subplot(xlabel="trial", ylabel=info.metric)
    axes.step(*zip(*info.best, strict=True), where="post", color=BLUE, linewidth=1.6, label="best so far")
    for state, marker, face in ((State.COMPLETE, "o", BLUE), (State.PRUNED, "D", "white")):
        numbers = [number for number, _, found in info.points if found == state]
        if numbers:
            axes.scatter(
                numbers, [value for _, value, found in info.points if found == state], s=26, marker=marker,
                facecolor=face, edgecolor=COLORS[state], linewidth=1.3, zorder=3, label=state.value,
            )  # fmt: skip
    number, value = info.best_number, info.best[-1][1]
    axes.scatter(number, value, s=130, marker="*", color=GREEN, zorder=4, label=f"best: trial {number}")
    if info.failed:
        floor = axes.get_xaxis_transform()  # trials across, the height of the axes upwards
        axes.plot(
            info.failed, [0.02] * len(info.failed), "x", color=RED, transform=floor, clip_on=False, label="failed"
        )
    _finish(axes, info.baseline)
    return figure


def draw_curves(info: CurvesInfo) -> Figure:
    """The objective by epoch; pruned trials dashed, the best on top."""
    figure = new_figure(HALF, 3.9)
    axes = figure.add_subplot(xlabel="epoch", ylabel=info.metric)
    faint = 0.75 if len(info.curves) <= 20 else 0.35
    for curve in info.curves:
        if curve.number != info.best:
            axes.plot(curve.epochs, curve.values, **_line(curve.state), alpha=faint)
    best = next((curve for curve in info.curves if curve.number == info.best), None)
    if best is not None:
        axes.plot(best.epochs, best.values, color=GREEN, linewidth=2.4, marker="o", markersize=4.5, zorder=4)
    handles = [
        Line2D([], [], **_line(state), label=state.value)
        for state in (State.COMPLETE, State.PRUNED, State.FAIL, State.RUNNING)
        if any(_besides(curve, info, state) for curve in info.curves)
    ]
    if best is not None:
        handles.insert(0, Line2D([], [], color=GREEN, linewidth=2.4, marker="o", label=f"best: trial {best.number}"))
    if info.baseline is not None:
        axes.axhline(info.baseline, **_BASELINE)
        handles.append(Line2D([], [], **_BASELINE))
    whole = max(curve.epochs[-1] for curve in info.curves) >= 2
    axes.xaxis.set_major_locator(MaxNLocator(integer=whole, min_n_ticks=1))
    _legend(figure, handles)
    return figure


def draw_dimensions(info: DimensionsInfo) -> Figure:
    """The objective by embedding size, each step a doubling, with the size of an index on top."""
    figure = new_figure(HALF, 3.9)
    axes = figure.add_subplot(xlabel="dimensions", ylabel=info.metric)
    axes.set_xscale("log", base=2)
    axes.set_xticks(info.dims, [str(dim) for dim in info.dims])
    axes.xaxis.set_minor_locator(NullLocator())
    styles = ((GREEN, "o", 2.4), (BLUE, "s", 1.3), (ORANGE, "^", 1.3), (PURPLE, "v", 1.3))
    for (name, line), (color, marker, width) in zip(info.lines.items(), styles, strict=False):
        label = f"best complete: {name}" if color == GREEN else name
        axes.plot(
            list(line), list(line.values()), color=color, marker=marker, markersize=4.5, linewidth=width, label=label
        )
    if info.baseline:
        axes.plot(list(info.baseline), list(info.baseline.values()), **_BASELINE, marker=".")
    top = axes.secondary_xaxis("top")
    top.set_xticks(info.dims, [index_size(dim) for dim in info.dims], fontsize=8.5)
    top.xaxis.set_minor_locator(NullLocator())
    top.set_xlabel("float32 index of a million documents", fontsize=8.5)
    _legend(figure, axes.get_legend_handles_labels()[0])
    return figure


def draw_cost(info: CostInfo) -> Figure:
    """Seconds by trial, coloured by how it ended, and below the speed where it was measured."""
    rates = [(trial.number, trial.tokens_per_second) for trial in info.trials if trial.tokens_per_second]
    figure = new_figure(HALF, 3.9)
    rows = 2 if rates else 1
    axes = figure.add_subplot(rows, 1, 1, ylabel="seconds")
    numbers = [trial.number for trial in info.trials]
    axes.bar(numbers, [trial.seconds for trial in info.trials], color=[COLORS[trial.state] for trial in info.trials])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=False, axis="x")
    if rates:
        axes.tick_params(labelbottom=False)
        below = figure.add_subplot(rows, 1, 2, sharex=axes, xlabel="trial", ylabel="tokens/s")
        below.plot(*zip(*rates, strict=True), "o", color=DARK, markersize=4)
        below.set_ylim(0, 1.1 * max(rate for _, rate in rates))
        below.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    else:
        axes.set_xlabel("trial")
    _legend(figure, [Patch(color=COLORS[state], label=state.value) for state in ENDED if info.of_state(state) > 0])
    return figure


def _finish(axes: Axes, baseline: float | None) -> None:
    if baseline is not None:
        axes.axhline(baseline, **_BASELINE)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    _legend(figure, axes.get_legend_handles_labels()[0])


def _legend(figure: Figure, handles: list[Any]) -> None:
    """One row above the axes, so that it hides no point."""
    figure.legend(handles=handles, loc="outside upper left", ncols=3, fontsize=8.5, columnspacing=1.4, handlelength=2)


def _line(state: State) -> Look:
    dashed = state in (State.PRUNED, State.FAIL)
    return {
        "color": COLORS[state], "linestyle": "--" if dashed else "-", "linewidth": 1.1,
        "marker": "D" if state == State.PRUNED else "o", "markersize": 4,
        "markerfacecolor": "white" if dashed else COLORS[state],
    }  # fmt: skip


def _besides(curve: Curve, info: CurvesInfo, state: State) -> bool:
    return curve.state == state and curve.number != info.best
