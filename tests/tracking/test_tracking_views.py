from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from embedtune.records import Objective
from embedtune.tracking.labels import LOG10_RATE
from embedtune.tracking.views import StudyShape, View, all_studies_tags, study_tags, view_key

SEARCHED = ("train.learning_rate", "train.batch_size")
SHAPE = StudyShape("rights", Objective("cosine_map@100", 384), (384, 256, 64), SEARCHED)


def page(tags: dict[str, str], key: str) -> dict[str, Any]:
    kind, _, packed = json.loads(tags[f"mlflow.sharedViewState.{key}"])["state"].partition(";")
    assert kind == "deflate"
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def charts(state: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [chart for chart in state["compareRunCharts"] if chart["type"] == kind]


def test_a_study_has_its_own_views_and_all_studies_one() -> None:
    assert set(study_tags(SHAPE)) == {f"mlflow.sharedViewState.{view_key(view, 'rights')}" for view in View}
    assert set(all_studies_tags()) == {f"mlflow.sharedViewState.{view_key(View.LEADERBOARD)}"}


def test_the_leaderboard_ranks_trials_and_baseline_and_leaves_out_the_study() -> None:
    state = page(study_tags(SHAPE), view_key(View.LEADERBOARD, "rights"))
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`best/map_at_100`", False)
    assert state["searchFilter"].startswith('tags.`embedtune.study` = "rights" AND tags.`embedtune.kind` != "study"')
    assert state["selectedColumns"] == [
        "metrics.`best/map_at_100`",
        "tags.`embedtune.state`",
        "metrics.`best/map_at_100_dim0256`",
        "metrics.`best/map_at_100_dim0064`",
        "metrics.`best/epoch`",
        "params.`train.learning_rate`",
        "params.`train.batch_size`",
        "attributes.`Duration`",
    ]


def test_the_parameters_view_shows_the_logarithm_of_the_learning_rate_and_no_baseline() -> None:
    state = page(study_tags(SHAPE), view_key(View.PARAMETERS, "rights"))
    assert charts(state, "PARALLEL")[0]["selectedParams"] == [LOG10_RATE, "train.batch_size"]
    assert [chart["xaxis"]["key"] for chart in charts(state, "SCATTER")] == [LOG10_RATE, "train.batch_size"]
    assert 'tags.`embedtune.kind` != "baseline"' in state["searchFilter"]


def test_every_chart_has_a_section_and_a_key_of_its_own() -> None:
    for view in View:
        state = page(study_tags(SHAPE), view_key(view, "rights"))
        sections = {section["uuid"] for section in state["compareRunSections"]}
        assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} == sections
        keys = [chart["uuid"] for chart in state["compareRunCharts"]]
        assert len(keys) == len(set(keys))


def test_a_study_without_trials_has_views_already() -> None:
    empty = StudyShape("rights", Objective("cosine_map@100", 0), (), ())
    state = page(study_tags(empty), view_key(View.LEADERBOARD, "rights"))
    assert state["selectedColumns"][0] == "metrics.`best/map_at_100`"
    assert "dim0000" not in json.dumps([page(study_tags(empty), view_key(view, "rights")) for view in View])


def test_an_objective_without_curves_by_dimension_has_none() -> None:
    shape = StudyShape("rights", Objective("dot_recall@5", 64), (384, 64), ())
    state = page(study_tags(shape), view_key(View.DIMENSIONS, "rights"))
    assert [chart["metricKey"] for chart in charts(state, "BAR")] == [
        "best/dot_recall_at_5_dim0384",
        "best/dot_recall_at_5",
    ]
    assert charts(state, "LINE") == []


def test_a_view_with_many_parameters_fits_into_a_tag() -> None:
    searched = tuple(f"loss.matryoshka.weights.{dim}" for dim in range(30))
    shape = StudyShape("r" * 60, Objective("cosine_map@100", 768), (1024, 768, 512, 256, 128, 64, 32), searched)
    assert max(map(len, study_tags(shape).values())) < 5000
