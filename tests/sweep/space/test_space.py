from __future__ import annotations

import re
import tracemalloc
from random import Random
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from embedtune.errors import ConfigError
from embedtune.sweep.space.constraints import Constraints
from embedtune.sweep.space.rules import worth_running
from embedtune.sweep.space.space import EACH, build_space, split_arguments, to_overrides


def space_of(*overrides: str, params: dict[str, Any] | None = None, dims: tuple[int, ...] = (64, 32)) -> Any:
    fixed, searched = split_arguments(overrides, params or {})
    return build_space(fixed, searched, dims)


@pytest.mark.parametrize(
    ("sweep", "expected"),
    [
        ("choice(16, 32)", CategoricalDistribution((16, 32))),
        ("choice(plain, no_duplicates)", CategoricalDistribution(("plain", "no_duplicates"))),
        ("choice(true, 0.5)", CategoricalDistribution((True, 0.5))),
        ("16,32", CategoricalDistribution((16, 32))),
        ("interval(0.1, 1)", FloatDistribution(0.1, 1.0)),
        ("int(interval(1, 9))", IntDistribution(1, 9)),
        ("tag(log, interval(1e-5, 1e-3))", FloatDistribution(1e-5, 1e-3, log=True)),
        ("tag(log, int(interval(1, 64)))", IntDistribution(1, 64, log=True)),
        ("range(2, 8, 2)", IntDistribution(2, 8, step=2)),
        ("range(0.5, 2.0, 0.5)", FloatDistribution(0.5, 2.0, step=0.5)),
    ],
)
def test_build_space_reads_hydra_grammar(sweep: str, expected: object) -> None:
    assert space_of(f"train.x={sweep}").distributions == {"train.x": expected}


def test_split_arguments_command_line_sweep_replaces_entry() -> None:
    _, searched = split_arguments(["train.x=interval(0, 1)"], {"train.x": "choice(1, 2)"})
    assert searched == {"train.x": "interval(0, 1)"}


def test_split_arguments_command_line_value_fixes_entry() -> None:
    fixed, searched = split_arguments(["train.epochs=2", "data.path=../a b/c"], {"train.epochs": "choice(1, 2)"})
    assert searched == {}
    assert fixed == ["train.epochs=2", "data.path=../a b/c"]


def test_split_arguments_plain_param_is_fixed_and_null_is_dropped() -> None:
    assert split_arguments([], {"train.seed": 3, "train.epochs": None}) == (["train.seed=3"], {})


def test_split_arguments_bad_grammar_is_refused() -> None:
    with pytest.raises(ConfigError, match="overrides must follow Hydra's grammar"):
        split_arguments(["train.x=choice(1"], {})


def test_build_space_each_becomes_one_parameter_a_dimension() -> None:
    space = space_of(params={EACH: "interval(0.2, 1.0)"}, dims=(64, 32))
    assert list(space.distributions) == ["loss.matryoshka.weights.64", "loss.matryoshka.weights.32"]


def test_build_space_each_leaves_what_is_said_for_one_dimension() -> None:
    space = space_of("loss.matryoshka.weights.32=0.5", params={EACH: "interval(0.2, 1.0)"}, dims=(64, 32, 16))
    assert list(space.distributions) == ["loss.matryoshka.weights.64", "loss.matryoshka.weights.16"]
    own = space_of("loss.matryoshka.weights.32=interval(1.0, 2.0)", params={EACH: "interval(0.2, 1.0)"}, dims=(64, 32))
    assert own.distributions["loss.matryoshka.weights.32"] == FloatDistribution(1.0, 2.0)


def test_build_space_lone_dimension_needs_no_weight() -> None:
    assert space_of(params={EACH: "interval(0.2, 1.0)"}, dims=(64,)).distributions == {}


@pytest.mark.parametrize("key", ["data.path", "eval.objective", "study.n_trials", "format"])
def test_build_space_refuses_keys_that_make_scores_incomparable(key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key} must have one value"):
        space_of(f"{key}=choice(a, b)")


def test_build_space_reports_every_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        space_of("train.x=choice([1], [2])", "data.path=choice(a, b)", "train.y=glob(*)")
    assert {line.split()[0] for line in str(caught.value).splitlines()} == {"train.x", "data.path", "train.y"}


@pytest.mark.parametrize(
    ("sweep", "reason"),
    [
        ("glob(*)", "a glob cannot be searched; write the names, as choice(A, B)"),
        ("1, glob(*)", "not another sweep"),
        ("choice(choice(1, 2), 3)", "not another sweep"),
        ("choice({a: 1}, 2)", "not {'a': 1}"),
        ("shuffle(choice(1, 2))", "the sampler decides the order"),
        ("shuffle(range(1, 4))", "the sampler decides the order"),
        ("range(inf)", "its numbers must be finite"),
        ("interval(0, inf)", "its numbers must be finite"),
        ("interval(nan, 1)", "its numbers must be finite"),
        ("int(interval(0, 1e30))", "whole ones at most 9007199254740992"),
        ("range(0, 1, 1e-300)", "its step is too small for its ends"),
        ("tag(log, interval(0, 1))", "log"),
    ],
)
@pytest.mark.parametrize("key", ["model", "train.x"])
def test_build_space_refuses_what_cannot_be_searched(key: str, sweep: str, reason: str) -> None:
    with pytest.raises(
        ConfigError, match=f"^{key} must be a sweep that can be searched, but got .*{re.escape(reason)}"
    ):
        space_of(f"{key}={sweep}")


def test_corners_touch_every_choice_and_both_ends() -> None:
    space = space_of("train.a=choice(1, 2, 3)", "train.b=interval(0.0, 1.0)")
    assert {point["train.a"] for point in space.corners()} == {1, 2, 3}
    assert {point["train.b"] for point in space.corners()} == {0.0, 1.0}


def test_to_overrides_null() -> None:
    assert to_overrides({"train.a": None, "train.b": 0.5, "train.c": "plain"}) == [
        "train.a=null",
        "train.b=0.5",
        "train.c=plain",
    ]


@given(st.floats(1e-6, 1.0), st.floats(1.5, 100.0), st.integers(0, 2**32 - 1))
def test_suggest_stays_inside(low: float, factor: float, seed: int) -> None:
    space = space_of(f"train.x=tag(log, interval({low}, {low * factor}))", "train.y=choice(1, a)")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    params = space.suggest(study.ask())
    assert low <= params["train.x"] <= low * factor
    assert params["train.y"] in (1, "a")


def test_points_are_all_combinations_in_order() -> None:
    space = space_of("train.a=range(0.1, 0.3, 0.1)", "train.b=choice(x, true)")
    assert [tuple(point.values()) for point in space.points()] == [
        (0.1, "x"), (0.1, True), (0.2, "x"), (0.2, True), (0.3, "x"), (0.3, True),
    ]  # fmt: skip
    assert space.endless == []
    assert space_of("train.a=interval(0, 1)", "train.b=choice(1, 2)").endless == ["train.a"]


@pytest.mark.parametrize("sweep", ["range(0, 1, 1e-9)", "range(1, 1e9, 1)", "int(interval(1, 1000000000))"])
def test_a_range_of_a_billion_values_takes_no_memory(sweep: str) -> None:
    space = space_of(f"train.x={sweep}")
    tracemalloc.start()
    try:
        assert worth_running(space, Constraints()) is None
        assert space.endless == []
        assert 0 <= space.draw(Random(0))["train.x"] <= 1e9
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()


def test_identity_does_not_depend_on_how_a_step_was_computed() -> None:
    space = space_of("train.a=range(0.0, 1.0, 0.1)", "train.b=choice(1, true)", "train.c=choice(5, 6)")
    assert space.identity({"train.a": 0.1 + 0.2, "train.c": 5.0}) == space.identity({"train.a": 0.3, "train.c": 5})
    assert space.identity({"train.b": 1}) != space.identity({"train.b": True})


@given(st.integers(0, 2**32 - 1))
def test_every_drawn_point_is_one_of_the_points(seed: int) -> None:
    space = space_of("train.a=range(0.5, 2.0, 0.25)", "train.b=range(2, 8, 3)", "train.c=tag(log, int(interval(1, 4)))")
    known = {space.identity(point) for point in space.points()}
    assert space.identity(space.draw(Random(seed))) in known
