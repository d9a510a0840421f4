"""Which Matryoshka weights are searched where base models differ in size."""

from __future__ import annotations

import pytest

from embedtune.errors import ConfigError
from embedtune.sweep.space.space import EACH, build_space
from embedtune.sweep.space.weights import spread

SWEEP = "interval(0.2, 1.0)"
MODELS = {"model": "choice(small, large)", EACH: SWEEP, "train.epochs": "choice(1, 2)"}
DIMS = (("small", (64, 32, 16)), ("large", (128, 64, 32)))
W = "loss.matryoshka.weights"


def test_dimensions_that_all_have_are_one_parameter_and_the_others_depend_on_the_model() -> None:
    searched, conditions = spread(MODELS, {}, (), "model", DIMS)
    assert [key for key in searched if key.startswith(W)] == [f"{W}.{dim}" for dim in (128, 64, 32, 16)]
    assert conditions == {f"{W}.128": "model=large", f"{W}.16": "model=small"}
    space = build_space((), searched, (64, 32, 16), conditions=conditions)
    points = [space.fill(lambda key, _, model=model: model if key == "model" else 1) for model in ("small", "large")]  # type: ignore[misc]
    assert [sorted(key.rpartition(".")[2] for key in point if key.startswith(W)) for point in points] == [
        ["16", "32", "64"], ["128", "32", "64"],
    ]  # fmt: skip


def test_models_of_one_size_and_spaces_without_weights_stay_as_they_are() -> None:
    same = (("small", (64, 32)), ("other", (64, 32)))
    assert spread(MODELS, {"x": "y=1"}, (), "model", same) == (MODELS, {"x": "y=1"})
    none = {"model": "choice(small, large)"}
    assert spread(none, {}, (), "model", DIMS) == (none, {})
    alone = (("small", (64,)), ("large", (128,)))
    assert spread(MODELS, {}, (), "model", alone) == (MODELS, {}), "a lone dimension needs no weight"


def test_what_was_typed_for_a_dimension_counts_more() -> None:
    searched, conditions = spread({**MODELS, f"{W}.64": "choice(0.5)"}, {}, (f"{W}.128=1",), "model", DIMS)
    assert searched[f"{W}.64"] == "choice(0.5)"
    assert f"{W}.128" not in searched
    assert conditions == {f"{W}.16": "model=small"}


def test_each_with_a_condition_is_refused_where_sizes_differ() -> None:
    with pytest.raises(ConfigError, match=r"must be for base models that train the same dimensions, but got small"):
        spread(MODELS, {EACH: "loss=matryoshka"}, (), "model", DIMS)
