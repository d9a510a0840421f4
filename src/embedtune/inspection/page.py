"""The data as one HTML page that loads nothing; every text in it is escaped."""

from __future__ import annotations

import time

from matplotlib.figure import Figure

from embedtune.inspection.inspect import Inspection
from embedtune.inspection.lengths import Lengths
from embedtune.reporting.page.figures.canvas import BLUE, HALF, RED, new_figure, take_picture
from embedtune.reporting.page.templates import page_templates

TEMPLATE = "data.html.jinja"


def render_data_page(found: Inspection, made: float | None = None) -> str:
    """The page.

    Args:
        found: What is known of the data.
        made: Seconds since the epoch; None is now.
    """
    errors = [finding for finding in found.findings if finding.severity == "error"]
    warnings = [finding for finding in found.findings if finding.severity == "warning"]
    return (
        page_templates("embedtune.inspection")
        .get_template(TEMPLATE)
        .render(
            found=found,
            document=found.report.to_dict(),
            errors=errors,
            warnings=warnings,
            sizes=sorted({size for own in found.false_negatives.values() for size in own}),
            pictures={lengths.role: take_picture(_histogram, lengths).svg for lengths in found.lengths},
            made=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(made)),
        )
    )


def _histogram(lengths: Lengths) -> Figure:
    """Texts by their number of tokens, with the length at which the model cuts."""
    figure = new_figure(HALF, 2.8)
    axes = figure.subplots()
    names = list(lengths.histogram)
    axes.bar(range(len(names)), list(lengths.histogram.values()), color=BLUE)
    axes.set_xticks(range(len(names)), names)
    axes.set_xlabel("tokens, up to")
    axes.set_ylabel("texts")
    if lengths.limit is not None and lengths.cut:
        within = [place for place, name in enumerate(names) if name != "more" and int(name) <= lengths.limit]
        axes.axvline(len(within) - 0.5, color=RED, linestyle="--", label=f"cut at {lengths.limit}")
        axes.legend()
    return figure
