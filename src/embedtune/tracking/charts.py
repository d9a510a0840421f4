"""Charts of a saved view, in the words of MLflow's page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embedtune.typed import Document

ALL = 1000
"""Runs in a chart; 10 otherwise."""

Chart = Document


@dataclass(frozen=True)
class Section:
    """Charts under one heading.

    Attributes:
        name: The heading.
        charts: Made by the functions of this module.
        columns: Charts side by side.
    """

    name: str
    charts: Sequence[Chart]
    columns: int = 3

    def state(self, uuid: str) -> Document:
        """The section in a view's state."""
        return {
            "uuid": uuid,
            "name": self.name,
            "display": True,
            "isReordered": True,
            "deleted": False,
            "isGenerated": False,
            "columns": self.columns,
        }

    def chart_states(self, uuid: str) -> list[Document]:
        """Its charts in a view's state."""
        common = {"metricSectionId": uuid, "deleted": False, "isGenerated": False, "runsCountToCompare": ALL}
        return [{**common, **chart, "uuid": f"{uuid}-{number}"} for number, chart in enumerate(self.charts)]


def bar(metric: str) -> Chart:
    """The last value of every run."""
    return {"type": "BAR", "metricKey": metric}


def line(metric: str) -> Chart:
    """A metric of every run by step."""
    return {
        "type": "LINE",
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "lineSmoothness": 0,
        "scaleType": "linear",
        "xAxisKey": "step",
        "xAxisScaleType": "linear",
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "range": {},
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
    }


def scatter(param: str, metric: str) -> Chart:
    """A metric of every run against a param."""
    x = {"key": param, "type": "PARAM"}
    return {"type": "SCATTER", "xaxis": x, "yaxis": {"key": metric, "type": "METRIC"}}


def trade_off(across: str, up: str) -> Chart:
    """A metric of every run against another."""
    x, y = ({"key": key, "type": "METRIC"} for key in (across, up))
    return {"type": "SCATTER", "xaxis": x, "yaxis": y}


def parallel(params: Sequence[str], metric: str) -> Chart:
    """Params of every run as axes side by side, and a metric that colours the lines."""
    return {"type": "PARALLEL", "selectedParams": list(params), "selectedMetrics": [metric], "showAllRuns": True}
