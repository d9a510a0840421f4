"""Figures with parameters as axes: info in, figure out, nothing computed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.typing import LineStyleType

from embedtune.records import State
from embedtune.reporting.page.axes import Axis
from embedtune.reporting.page.figures.canvas import BLUE, COLORS, DARK, GREEN, HALF, WIDE, new_figure
from embedtune.reporting.page.findings.importance import ImportanceInfo
from embedtune.reporting.page.findings.parameters import ParametersInfo, PlacedTrial
from embedtune.reporting.tables import short_key

_ACROSS = 5
"""Slices in one row."""
_LABEL = 22
"""Longest label of an axis, in letters."""


def draw_importance(info: ImportanceInfo) -> Figure:
    """Shares of the variance as bars, the largest on top."""
    figure = new_figure(HALF, max(3.9, 0.8 + 0.27 * len(info.shares)))
    axes = figure.add_subplot(xlabel="share of the variance it explains alone")
    names = [_short(short_key(key)) for key in info.shares]
    bars = axes.barh(range(len(names)), list(info.shares.values()), color=BLUE)
    axes.bar_label(bars, [f"{share:.0%}" for share in info.shares.values()], padding=3, fontsize=8.5, color=DARK)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, max(1.12 * max(info.shares.values()), 0.1))
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.grid(visible=False, axis="y")
    return figure


def draw_slices(info: ParametersInfo) -> Figure:
    """One small panel for each parameter, all with the objective upwards."""
    columns = min(_ACROSS, max(3, len(info.axes)))
    rows = math.ceil(len(info.axes) / columns)
    figure = new_figure(WIDE, 0.5 + 2.3 * rows)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).flat
    for i, panel in enumerate(panels):
        if i < len(info.axes):
            _draw_slice(panel, info, i)
            if i % columns == 0:
                panel.set_ylabel(info.metric)
        else:
            panel.set_visible(False)
    _legend(figure, info.trials)
    return figure


def draw_parallel(info: ParametersInfo) -> Figure:
    """Each trial as a line over all axes, the objective last; the better, the darker."""
    figure = new_figure(WIDE, 4.4)
    axes = figure.add_subplot()
    values = [trial.value for trial in info.trials]
    low, high = min(values), max(values)
    norm = Normalize(low, high if high > low else low + 1e-6)
    colors = _readable(colormaps["cividis"].reversed())
    for trial in reversed(info.trials):
        best = trial is info.trials[0]
        height = 0.5 if high == low else (trial.value - low) / (high - low)
        places = [*trial.places, height]
        known = [(i, place) for i, place in enumerate(places) if place is not None]
        axes.plot(
            *zip(*known, strict=True),
            color=GREEN if best else colors(norm(trial.value)),
            linestyle="--" if trial.state == State.PRUNED else "-",
            linewidth=2.6 if best else 1.2,
            alpha=1 if best or len(values) <= 30 else 0.6,
            clip_on=False,
        )
    last = Axis(info.metric, "linear", low, high)
    for i, axis in enumerate((*info.axes, last)):
        _draw_upright(axes, i, axis)
    _arrange_parallel(figure, axes, info, ScalarMappable(norm, colors))
    return figure


def _readable(colors: Colormap) -> Colormap:
    """Without the end that is too light for lines on white."""
    return ListedColormap(colors([0.12 + 0.88 * i / 255 for i in range(256)]))


def _draw_slice(panel: Axes, info: ParametersInfo, i: int) -> None:
    for trial in reversed(info.trials):
        place = trial.places[i]
        if place is None:
            continue
        if trial is info.trials[0]:
            panel.scatter(place, trial.value, s=130, marker="*", color=GREEN, zorder=4)
        else:
            pruned = trial.state == State.PRUNED
            color = COLORS[trial.state]
            panel.scatter(
                place, trial.value, s=20, marker="D" if pruned else "o", edgecolor=color,
                facecolor="white" if pruned else color, alpha=0.85, zorder=3,
            )  # fmt: skip
    axis = info.axes[i]
    ticks = axis.ticks()
    panel.set_xlim(-0.08, 1.08)
    panel.set_xticks([place for place, _ in ticks], [_short(label, 14) for _, label in ticks], fontsize=8)
    panel.set_title(_short(axis.label, 28), color=DARK)


def _draw_upright(axes: Axes, i: int, axis: Axis) -> None:
    axes.axvline(i, color=DARK, linewidth=0.8, zorder=0)
    for place, label in axis.ticks():
        axes.annotate(
            _short(label, 14), (i, place), xytext=(4, 0), textcoords="offset points", fontsize=7.5, va="center",
            color=DARK, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}, zorder=5,
        )  # fmt: skip


def _arrange_parallel(figure: Figure, axes: Axes, info: ParametersInfo, scale: ScalarMappable) -> None:
    names = [_short(axis.label) for axis in (*info.axes, Axis(info.metric, "linear", 0, 1))]
    axes.set_xticks(
        range(len(names)), names, rotation=20 if len(names) > 5 else 0, ha="right" if len(names) > 5 else "center"
    )
    axes.set_yticks([])
    axes.set_ylim(-0.04, 1.04)
    axes.set_xlim(-0.02 * len(names), len(names) - 1 + 0.06 * len(names))  # room for the last labels
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    figure.colorbar(scale, ax=axes, label=info.metric, pad=0.01, aspect=30)
    _legend(figure, info.trials, lines=True)


def _legend(figure: Figure, trials: Sequence[PlacedTrial], *, lines: bool = False) -> None:
    best, states = trials[0], {trial.state for trial in trials[1:]}
    styles: dict[State, LineStyleType] = {State.COMPLETE: "-", State.PRUNED: "--"}
    if lines:
        handles = [Line2D([], [], color=GREEN, linewidth=2.6, label=f"best: trial {best.number}")]
        handles += [
            Line2D([], [], color=DARK, linewidth=1.2, linestyle=style, label=state.value)
            for state, style in styles.items()
            if state in states
        ]
    else:
        handles = [_mark("*", GREEN, GREEN, f"best: trial {best.number}", 11)]
        handles += [
            _mark(marker, COLORS[state], "white" if state == State.PRUNED else COLORS[state], state.value, 5)
            for state, marker in ((State.COMPLETE, "o"), (State.PRUNED, "D"))
            if state in states
        ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, fontsize=8.5)


def _mark(marker: str, edge: str, face: str, label: str, size: float) -> Line2D:
    return Line2D([], [], linestyle="", marker=marker, color=edge, markerfacecolor=face, markersize=size, label=label)


def _short(text: str, length: int = _LABEL) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
