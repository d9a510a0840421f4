"""The look of all figures, and figures as files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from embedtune.records import State

BLUE, ORANGE, GREEN, RED, SKY, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
"""From the palette of Okabe and Ito, told apart with every kind of colour vision."""
GREY, DARK = "#8a8f98", "#2b2f36"
COLORS = {State.COMPLETE: BLUE, State.PRUNED: ORANGE, State.FAIL: RED, State.RUNNING: SKY, State.WAITING: GREY}
WIDE, HALF = 11.0, 5.6
"""Widths in inches: a whole row of the page, or half of one."""
Look = dict[str, Any]
"""Properties of a line, by matplotlib's names."""
STYLE: dict[RcKeyType, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.labelcolor": DARK,
    "axes.edgecolor": "#b9bec6",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.xmargin": 0.03,
    "axes.ymargin": 0.08,
    "grid.color": "#e8eaee",
    "xtick.color": DARK,
    "ytick.color": DARK,
    "legend.frameon": False,
    "text.parse_math": False,  # a name with dollar signs is a name
    "svg.fonttype": "path",  # looks the same without any font
    "svg.hashsalt": "embedtune",  # the same record gives the same bytes
}


@dataclass(frozen=True)
class Picture:
    """A figure as files.

    Attributes:
        svg: For the page.
        png: For the folder of plots.
    """

    svg: bytes
    png: bytes


def take_picture(draw: Callable[[Any], Figure], info: Any) -> Picture:
    """Draw in the common look, without pyplot's global state."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # Names may have letters that the font lacks; they are drawn as boxes, and stand in the table as they are.
        warnings.filterwarnings("ignore", message="Glyph")
        figure = draw(info)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # arranged once is enough for both files
        svg, png = io.BytesIO(), io.BytesIO()
        figure.savefig(svg, format="svg", metadata={"Date": None})
        figure.savefig(png, format="png", dpi=130, metadata={"Software": None})
    return Picture(svg.getvalue(), png.getvalue())


def new_figure(width: float, height: float) -> Figure:
    """An empty figure that arranges itself."""
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")
