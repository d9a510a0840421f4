"""Saved views of the experiment page: filter, order, columns and charts. Pure.

MLflow keeps a shared view as an experiment tag ``mlflow.sharedViewState.<key>`` that holds the state of its page,
deflated. The format is its own and undocumented: see ``mlflow_private.VIEWS_TESTED``.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from embedtune.records import Objective
from embedtune.tracking.charts import Section, bar, line, parallel, scatter, trade_off
from embedtune.tracking.labels import LOG10_RATE
from embedtune.tracking.mlflow_private import VIEW_TAG
from embedtune.tracking.names import HEADLINES, at_dim, best_at, best_key, is_charted, second_key, section
from embedtune.typed import Document

_CREATED = 1_700_000_000_000  # any time will do, but always the same: an unchanged view is not written again
_RATE = "train.learning_rate"
_TRIALS = 'tags.`embedtune.kind` != "study" AND tags.`embedtune.kind` != "release"'
_TUNED = 'tags.`embedtune.kind` != "baseline"'
_WHOLE = 'tags.`embedtune.state` != "interrupted"'
"""The trial that goes on from an interrupted one has its points too: each curve is drawn once."""
_RANKED = f'tags.`embedtune.state` != "fail" AND tags.`embedtune.state` != "infeasible" AND {_WHOLE}'
"""A table is ordered by one metric, which would put these among the best though they rank below all others."""


class View(StrEnum):
    """The views of a study."""

    LEADERBOARD = "leaderboard"
    CURVES = "curves"
    PARAMETERS = "parameters"
    DIMENSIONS = "dimensions"


@dataclass(frozen=True)
class StudyShape:
    """The facts that the views of a study depend on.

    Attributes:
        study: Its name.
        objective: What ranks its trials.
        dims: The dimensions measured, largest first; empty before the first evaluation.
        searched: Names of the searched parameters.
    """

    study: str
    objective: Objective
    dims: tuple[int, ...]
    searched: tuple[str, ...]


def view_key(view: View, study: str | None = None) -> str:
    """The key of a view in addresses; without a study, of the view of all studies."""
    return "-".join(filter(None, ("embedtune", study, view.value)))


def all_studies_tags() -> dict[str, str]:
    """Experiment tag of the leaderboard of all studies."""
    shown = ["map@100", "ndcg@10", "accuracy@1"]
    metrics = [f"metrics.`best/{name.replace('@', '_at_')}`" for name in shown]
    params = [f"params.`{name}`" for name in ("train.batch_size", "train.epochs", _RATE)]
    columns = [*metrics, "tags.`embedtune.study`", "tags.`embedtune.state`", *params, "attributes.`Duration`"]
    state = _page(f"{_TRIALS} AND {_RANKED}", metrics[0], columns)
    return _tag(view_key(View.LEADERBOARD), "All studies", state)


def study_tags(shape: StudyShape) -> dict[str, str]:
    """Experiment tags of the four views of a study."""
    rows = f'tags.`embedtune.study` = "{shape.study}" AND {_TRIALS}'
    where = dict.fromkeys(View, f"{rows} AND {_WHOLE}")
    where |= {View.LEADERBOARD: f"{rows} AND {_RANKED}", View.PARAMETERS: f"{rows} AND {_TUNED} AND {_WHOLE}"}
    found: dict[str, str] = {}
    for view, (columns, sections) in _views(shape).items():
        state = _page(where[view], f"metrics.`{best_key(shape.objective)}`", columns)
        if sections:
            state |= _charts(sections, prefix=view_key(view, shape.study))
        found |= _tag(view_key(view, shape.study), f"{shape.study}: {view}", state)
    return found


def _views(shape: StudyShape) -> dict[View, tuple[list[str], list[Section]]]:
    """Columns of the table and sections of charts of each view."""
    objective = shape.objective
    best = f"metrics.`{best_key(objective)}`"
    other = second_key(objective)
    second = [f"metrics.`{other}`", "tags.`embedtune.front`"] if other else []
    state, duration, epoch = "tags.`embedtune.state`", "attributes.`Duration`", "metrics.`best/epoch`"
    names = (best_at(objective, dim) for dim in shape.dims)
    by_dim = [f"metrics.`{name}`" for name in names if name not in (best_key(objective), other)]
    params = [f"params.`{name}`" for name in shape.searched]
    headlines = [f"metrics.`{at_dim(name, dim)}`" for dim in shape.dims for name in HEADLINES[:2]]
    return {
        View.LEADERBOARD: ([best, *second, state, *by_dim, epoch, *params, duration], _leaderboard_charts(shape)),
        View.CURVES: ([best, state, epoch, "metrics.`train/loss`", duration], _curve_charts(shape)),
        View.PARAMETERS: ([best, *params], _parameter_charts(shape)),
        View.DIMENSIONS: ([best, *by_dim, *headlines], _dimension_charts(shape)),
    }


def _leaderboard_charts(shape: StudyShape) -> list[Section]:
    bars = Section("Best of each trial", [bar(best_key(shape.objective)), bar("best/epoch")])
    second = second_key(shape.objective)
    return [Section("Both objectives", [trade_off(second, best_key(shape.objective))]), bars] if second else [bars]


def _curve_charts(shape: StudyShape) -> list[Section]:
    training = Section("Training", [line("train/loss"), line("train/learning_rate"), line(best_key(shape.objective))])
    if not shape.dims:
        return [training]
    dim = shape.objective.dim
    return [Section(f"By step, {section(dim)}", [line(at_dim(name, dim)) for name in HEADLINES]), training]


def _parameter_charts(shape: StudyShape) -> list[Section]:
    # Axes are linear: a learning rate is shown by its logarithm.
    names = [LOG10_RATE if name == _RATE else name for name in shape.searched]
    best = best_key(shape.objective)
    if not names:
        return []
    return [
        Section("All parameters", [parallel(names, best)], columns=1),
        Section("Each parameter", [scatter(name, best) for name in names]),
    ]


def _dimension_charts(shape: StudyShape) -> list[Section]:
    objective, charted = shape.objective, shape.dims if is_charted(shape.objective.metric) else ()
    curves = [line(at_dim(objective.metric, dim)) for dim in charted]
    return [
        Section("At the best step", [bar(best_at(objective, dim)) for dim in shape.dims]),
        Section("By step", curves),
    ]


def _page(where: str, order: str, columns: Sequence[str]) -> Document:
    return {
        "searchFilter": where,
        "orderByKey": order,
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": list(columns),
        "columnOrder": list(columns),
        "columnWidths": {column: _width(column) for column in columns},
        "runsHiddenMode": "SHOW_ALL",
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "viewMaximized": False,
        "runListHidden": False,
        "autoRefreshEnabled": True,
    }


def _width(column: str) -> int:
    """Pixels that show the whole header."""
    name = column.split("`")[1]
    return max(90, 7 * len(name) + 25)


def _charts(sections: Sequence[Section], prefix: str) -> Document:
    placed = [(f"{prefix}-{number}", section) for number, section in enumerate(sections)]
    return {
        "isAccordionReordered": True,
        "compareRunSections": [section.state(uuid) for uuid, section in placed],
        "compareRunCharts": [chart for uuid, section in placed for chart in section.chart_states(uuid)],
    }


def _tag(key: str, name: str, state: Document) -> dict[str, str]:
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
    value = {"name": name, "createdAt": _CREATED, "updatedAt": _CREATED, "state": f"deflate;{packed}"}
    return {f"{VIEW_TAG}{key}": json.dumps(value)}
