from __future__ import annotations

import struct
from collections.abc import Callable
from xml.etree import ElementTree

from embedtune.records import TrialRecord
from embedtune.reporting.page.figures.canvas import take_picture
from embedtune.reporting.page.figures.plots import KINDS, Plot
from embedtune.reporting.page.figures.trial_figures import draw_history
from embedtune.reporting.page.findings.history import history_info
from embedtune.reporting.page.inputs import ReportInputs


def test_every_plot_is_a_picture_or_says_why_not(odd: ReportInputs, odd_plots: list[Plot]) -> None:
    assert [plot.name for plot in odd_plots] == [kind.name for kind in KINDS]
    for plot in odd_plots:
        assert plot.text
        assert "nan" not in plot.text.lower().split()
        if plot.picture is not None:
            assert plot.picture.png.startswith(b"\x89PNG\r\n\x1a\n")
            width, height = struct.unpack(">II", plot.picture.png[16:24])
            assert width > 600
            assert height > 300
            assert ElementTree.fromstring(plot.picture.svg).tag.endswith("svg")
            assert b"<script" not in plot.picture.svg


def test_a_study_with_scores_has_its_plots(odd: ReportInputs, odd_plots: list[Plot]) -> None:
    drawn = {plot.name for plot in odd_plots if plot.picture is not None}
    if odd.ranked:
        assert {"history", "intermediate", "cost"} <= drawn
    if odd.complete:
        assert "dimensions" in drawn
    if odd.ranked and odd.keys:
        assert "slices" in drawn
        assert ("parallel" in drawn) == (len(odd.ranked) > 1)


def test_the_same_record_gives_the_same_bytes(
    inputs: Callable[..., ReportInputs], trial: Callable[..., TrialRecord]
) -> None:
    info = history_info(inputs([trial(0, 0.5)]))
    assert take_picture(draw_history, info) == take_picture(draw_history, info)
