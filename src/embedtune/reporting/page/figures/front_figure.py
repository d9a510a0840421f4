"""The front as a figure: info in, figure out, nothing computed."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from embedtune.reporting.page.figures.canvas import BLUE, DARK, GREEN, GREY, WIDE, new_figure
from embedtune.reporting.page.findings.dimensions import index_size
from embedtune.reporting.page.findings.pareto import ParetoInfo


def draw_front(info: ParetoInfo) -> Figure:
    """Each trial at its two objectives; the line is what can be had at best, the numbers are those of the front."""
    figure = new_figure(WIDE, 4.6)
    axes = figure.add_subplot(xlabel=info.across, ylabel=info.up)
    if info.second is None:
        _sizes(axes, info)
    if info.dominated:
        across, up = zip(*info.dominated.values(), strict=True)
        axes.scatter(across, up, s=30, facecolor="white", edgecolor=BLUE, linewidth=1.3, zorder=2, label="dominated")
    places = sorted(info.front.values())
    # Of a smaller size than its trial's, the front offers what the size before it has; of a smaller quality, the next.
    axes.step(
        *zip(*places, strict=True), where="post" if info.second is None else "pre", color=GREEN, linewidth=1.6,
        marker="o", markersize=7, zorder=3, label="front, with numbers of trials",
    )  # fmt: skip
    for number, place in info.front.items():
        axes.annotate(f"{number}", place, xytext=(7, 5), textcoords="offset points", fontsize=9, color=DARK, zorder=5)
    if info.balanced is not None:
        place = info.front[info.balanced]
        axes.scatter(*place, s=190, marker="*", color=GREEN, zorder=4, label=f"balanced: trial {info.balanced}")
    if info.baseline:
        line = {"linestyle": (0, (4, 3)), "linewidth": 1.4} if len(info.baseline) > 1 else {"linestyle": ""}
        axes.plot(*zip(*info.baseline, strict=True), color=GREY, marker="D", markersize=6, label="untuned", **line)
    figure.legend(handles=axes.get_legend_handles_labels()[0], loc="outside upper left", ncols=4, fontsize=8.5)
    return figure


def _sizes(axes: Axes, info: ParetoInfo) -> None:
    """Sizes on a scale of doublings, with the size of an index on top."""
    sizes = sorted({int(size) for size, _ in (*info.front.values(), *info.dominated.values(), *info.baseline)})
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    top = axes.secondary_xaxis("top")
    top.set_xticks(sizes, [index_size(size) for size in sizes], fontsize=8.5)
    top.xaxis.set_minor_locator(NullLocator())
    top.set_xlabel("float32 index of a million documents", fontsize=8.5)
