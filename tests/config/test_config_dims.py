"""Which sizes are trained and measured."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.config import (
    Config,
    EvalConfig,
    LossConfig,
    MatryoshkaConfig,
    check_dims,
    default_dims,
    dims_problems,
    measured_dims,
    objective_of,
    trained_dims,
    trained_weights,
)
from embedtune.errors import ConfigError


def config(
    dims: list[int] | None = None, weights: dict[str, float] | None = None, dim: int | None = None, plain: bool = False
) -> Config:
    matryoshka = None if plain else MatryoshkaConfig(dims, weights or {})
    return Config(loss=LossConfig(matryoshka=matryoshka), eval=EvalConfig(dim=dim))


@pytest.mark.parametrize(
    ("full", "dims"),
    [
        (768, [768, 512, 256, 128, 64]),
        (384, [384, 256, 128, 64, 32]),
        (512, [512, 256, 128, 64, 32]),
        (64, [64, 32, 16, 8, 4]),
        (5, [5, 4, 2, 1]),
        (3, [3, 2, 1]),
        (2, [2, 1]),
        (1, [1]),
    ],
)
def test_default_dims_are_the_full_size_and_the_powers_of_two_below(full: int, dims: list[int]) -> None:
    assert default_dims(full) == dims


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 100_000))
def test_default_dims_hold_for_every_size(full: int) -> None:
    dims = default_dims(full)
    assert dims[0] == full
    assert dims == sorted(set(dims), reverse=True)
    assert all(dim & (dim - 1) == 0 for dim in dims[1:])
    assert len(dims) == 5 or dims[-1] == 1
    assert len(dims) == 1 or 2 * dims[1] >= full


def test_trained_dims_are_the_defaults_largest_first_or_those_given() -> None:
    assert trained_dims(config(), 384) == [384, 256, 128, 64, 32]
    assert trained_dims(config([64, 256]), 384) == [256, 64]
    assert trained_dims(config(plain=True), 384) == [384]


def test_trained_weights_follow_their_dims_and_are_1_by_default() -> None:
    assert trained_weights(config(), 384) == [1, 1, 1, 1, 1]
    assert trained_weights(config(None, {"128": 0.5, "384": 0.0}), 384) == [0, 1, 0.5, 1, 1]
    assert trained_weights(config([64, 256], {"64": 0.25}), 384) == [1, 0.25]
    assert trained_weights(config(plain=True), 384) == [1]


def test_measured_dims_always_include_the_full_size() -> None:
    assert measured_dims(config([64]), 384) == [384, 64]
    assert measured_dims(config([384, 64]), 384) == [384, 64]
    assert measured_dims(config(plain=True), 384) == [384, 256, 128, 64, 32]


def test_objective_is_read_at_the_full_size_unless_given() -> None:
    assert objective_of(config(), 384).dim == 384
    assert objective_of(config(dim=64), 384).dim == 64


@pytest.mark.parametrize(
    "valid",
    [config(), config([384, 7]), config(None, {"128": 0.5}), config(dim=32), config([7], dim=384), config(plain=True)],
)
def test_valid_dims_have_no_problems(valid: Config) -> None:
    assert dims_problems(valid, 384) == []
    check_dims(valid, 384)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            config([768, 64]),
            "loss.matryoshka.dims must not exceed the model's 384, but got 768. Remove it, or take a larger model.",
        ),
        (config(dim=768), "eval.dim must not exceed the model's 384, but got 768. Remove it, or take a larger model."),
        (
            config([64], dim=128),
            "eval.dim must be one of the measured [384, 64], but got 128. Add it to loss.matryoshka.dims.",
        ),
        (
            config(None, {"100": 0.5}),
            "loss.matryoshka.weights.100 must be the weight of one of loss.matryoshka.dims, but got dims "
            "[384, 256, 128, 64, 32]. Name the dims or remove the weight.",
        ),
    ],
)
def test_dims_the_model_lacks_are_refused(broken: Config, message: str) -> None:
    assert dims_problems(broken, 384) == [message]
    with pytest.raises(ConfigError) as raised:
        check_dims(broken, 384)
    assert str(raised.value) == message


def test_all_wrong_dims_are_reported_together() -> None:
    found = dims_problems(config([1024, 768, 64], dim=512), 384)
    assert [problem.rsplit("got ")[-1].split(".")[0] for problem in found] == ["512", "1024", "768"]


def two(second: object, dim: int | None = None, dims: list[int] | None = None) -> Config:
    made = config(dims, dim=dim)
    made.eval.second = second
    return made


@pytest.mark.parametrize(
    ("second", "dim", "expected"),
    [
        (None, None, None),
        ("smallest", None, 32),
        ("smallest", 64, 32),
        (128, None, 128),
        ("dimension", 64, "dimension"),
    ],
)
def test_second_objective_of_a_model_of_384_dimensions(second: object, dim: int | None, expected: object) -> None:
    assert objective_of(two(second, dim), 384).to_dict()["second"] == expected
    assert dims_problems(two(second, dim), 384) == []


def test_second_objective_must_be_measured_elsewhere() -> None:
    assert dims_problems(two(48), 384) == [
        "eval.second must be measured and not eval.dim, one of [256, 128, 64, 32], but got 48. "
        "Add it to loss.matryoshka.dims, or take another."
    ]
    assert "one of [], but got smallest" in dims_problems(two("smallest", dims=[64]), 64)[0]
    assert "but got 128" in dims_problems(two(128, dim=128), 384)[0]
