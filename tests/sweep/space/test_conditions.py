from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import optuna
import pytest

from embedtune.errors import ConfigError
from embedtune.sweep.space.conditions import Condition, parse_conditions
from embedtune.sweep.space.space import EACH, Space, build_space

SEARCHED = {
    "train.warmup_ratio": "choice(0.1, 0.2)",
    "train.scheduler": "choice(linear, cosine)",
    "train.weight_decay": "interval(0.0, 0.1)",
}
NESTED = {"train.warmup_ratio": "train.scheduler=cosine", "train.weight_decay": "train.warmup_ratio=0.2"}


def space_of(conditions: Mapping[str, str], searched: Mapping[str, str] = SEARCHED, **defaults: Any) -> Space:
    values = {f"train.{key}": value for key, value in defaults.items()}
    return build_space((), searched, (64, 32), conditions=conditions, default=values.__getitem__)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("train.x=cosine", ("cosine",)),
        ("train.x=choice(cosine, polynomial)", ("cosine", "polynomial")),
        ("train.x=a,b", ("a", "b")),
        ("train.x=3", (3,)),
        ("train.x=null", (None,)),
        ("train.x=choice(true, 1)", (True, 1)),
    ],
)
def test_parse_conditions_reads_values(text: str, values: tuple[object, ...]) -> None:
    assert parse_conditions({"train.y": text}) == {"train.y": Condition("train.x", values)}


def test_condition_text_is_read_back() -> None:
    for condition in (Condition("a", (1,)), Condition("a", ("b", True, 0.5)), Condition("a", (None,))):
        assert parse_conditions({"k": condition.text}) == {"k": condition}


def test_condition_true_is_not_one() -> None:
    assert not Condition("a", (True,)).holds(1)


@pytest.mark.parametrize("text", ["train.x", "train.x=interval(0, 1)", "train.x=[1]", "train.x=range(1, 3)", ""])
def test_parse_conditions_refuses_what_is_no_choice(text: str) -> None:
    with pytest.raises(ConfigError, match=r"hydra\.sweeper\.conditions\.train\.y must be KEY=VALUE"):
        parse_conditions({"train.y": text})


def test_space_suggests_only_what_exists() -> None:
    space = space_of(NESTED)
    assert list(space.distributions) == ["train.scheduler", "train.warmup_ratio", "train.weight_decay"]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    points = [space.suggest(study.ask()) for _ in range(40)]
    assert {tuple(point) for point in points} == {
        ("train.scheduler",),
        ("train.scheduler", "train.warmup_ratio"),
        ("train.scheduler", "train.warmup_ratio", "train.weight_decay"),
    }
    for point in points:
        assert ("train.warmup_ratio" in point) == (point["train.scheduler"] == "cosine")
        assert ("train.weight_decay" in point) == (point.get("train.warmup_ratio") == 0.2)


def test_corners_reach_what_exists_only_under_a_choice() -> None:
    corners = space_of(NESTED).corners()
    assert {corner.get("train.weight_decay") for corner in corners} == {None, 0.0, 0.1}
    assert {corner.get("train.warmup_ratio") for corner in corners} == {None, 0.1, 0.2}


def test_corners_stay_in_the_space_where_a_condition_names_more() -> None:
    corners = space_of({"train.warmup_ratio": "train.scheduler=choice(polynomial, cosine)"}).corners()
    assert {corner["train.scheduler"] for corner in corners} == {"linear", "cosine"}
    assert {corner.get("train.warmup_ratio") for corner in corners} == {None, 0.1, 0.2}


def test_points_have_each_combination_that_exists_once() -> None:
    searched = {**SEARCHED, "train.weight_decay": "range(0.0, 0.1, 0.1)"}
    points = [tuple(point.values()) for point in space_of(NESTED, searched).points()]
    assert points == [("linear",), ("cosine", 0.1), ("cosine", 0.2, 0.0), ("cosine", 0.2, 0.1)]


def test_draw_keeps_the_conditions() -> None:
    space, random = space_of(NESTED), Random(0)
    assert all(
        ("train.warmup_ratio" in p) == (p["train.scheduler"] == "cosine") for p in map(space.draw, [random] * 50)
    )


def test_condition_on_a_fixed_key_is_decided_at_once() -> None:
    searched = {key: text for key, text in SEARCHED.items() if key != "train.scheduler"}
    held = space_of(NESTED, searched, scheduler="cosine")
    assert list(held.distributions) == ["train.warmup_ratio", "train.weight_decay"]
    assert list(held.conditions) == ["train.weight_decay"]
    assert space_of(NESTED, searched, scheduler="linear").distributions == {}


def test_condition_for_every_dimension() -> None:
    space = space_of({EACH: "train.scheduler=cosine"}, {**SEARCHED, EACH: "interval(0.2, 1.0)"})
    assert set(space.conditions) == {"loss.matryoshka.weights.64", "loss.matryoshka.weights.32"}


def test_condition_of_a_key_that_was_fixed_is_left_out() -> None:
    space = build_space(("train.warmup_ratio=0.1",), {"train.scheduler": "choice(linear, cosine)"}, (64,),
                        conditions={"train.warmup_ratio": "train.scheduler=cosine"})  # fmt: skip
    assert space.conditions == {}


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"train.nope": "train.scheduler=cosine"}, "conditions.train.nope must be for a searched key"),
        ({"train.warmup_ratio": "train.nope=1"}, "must name a searched key or one with a value, but got train.nope"),
        ({"train.warmup_ratio": "train.scheduler=polynomial"}, "must be one that can hold"),
        ({"train.warmup_ratio": "train.warmup_ratio=0.1"}, "train.warmup_ratio -> train.warmup_ratio"),
        (
            {"train.warmup_ratio": "train.weight_decay=0.0", "train.weight_decay": "train.warmup_ratio=0.1"},
            "must not depend on each other, but got train.warmup_ratio -> train.weight_decay -> train.warmup_ratio",
        ),
    ],
)
def test_conditions_that_make_no_sense_are_refused(conditions: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        space_of(conditions)
    assert message in str(caught.value)
