from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from embedtune import archive
from embedtune.config import BatchSampler, Config, EvalConfig, ModelConfig, TrainConfig, plain
from embedtune.errors import ConfigError
from embedtune.paths import StudyPaths
from embedtune.records import State, TrialRecord
from embedtune.sweep.space.constraints import Constraints, parse_constraints
from embedtune.sweep.space.rules import Rules
from embedtune.sweep.space.space import Space, build_space
from embedtune.sweep.space.starts import default_recipe, given, warm_start
from embedtune.sweep.space.values import values_of

SEARCHED = {
    "train.epochs": "choice(1, 5)",
    "train.learning_rate": "tag(log, interval(1e-5, 1e-3))",
    "train.batch_sampler": "choice(plain, no_duplicates)",
    "loss.matryoshka.weights.64": "interval(0.2, 1.0)",
}
DEFAULT = {"train.epochs": 5, "train.learning_rate": 5e-5, "train.batch_sampler": "plain",
           "loss.matryoshka.weights.64": 1.0}  # fmt: skip


@pytest.fixture
def space() -> Space:
    return build_space((), SEARCHED, (64,))


def test_default_recipe_is_the_configuration(space: Space) -> None:
    recipe = default_recipe(space, values_of(Config()))
    assert recipe == DEFAULT
    assert isinstance(recipe["train.epochs"], int)  # as the choice is written, not as the configuration types it


def test_default_recipe_leaves_out_what_lies_outside(space: Space, caplog: pytest.LogCaptureFixture) -> None:
    recipe = default_recipe(space, values_of(Config(train=TrainConfig(epochs=3.0, learning_rate=1e-2))))
    assert recipe == {"train.batch_sampler": "plain", "loss.matryoshka.weights.64": 1.0}
    assert "the default train.epochs=3.0 is outside the space" in caplog.text


def test_default_recipe_must_lie_on_a_step() -> None:
    space = build_space((), {"train.epochs": "range(1, 9, 2)", "train.batch_size": "range(16, 64, 16)"}, (64,))
    assert default_recipe(space, values_of(Config())) == {"train.epochs": 5}


def test_default_recipe_keeps_the_conditions() -> None:
    conditions = {"train.learning_rate": "train.batch_sampler=no_duplicates"}
    space = build_space((), SEARCHED, (64,), conditions=conditions)
    assert "train.learning_rate" not in default_recipe(space, values_of(Config()))
    other = Config(train=TrainConfig(batch_sampler=BatchSampler.no_duplicates))
    assert default_recipe(space, values_of(other))["train.learning_rate"] == 5e-5


def test_values_of_knows_groups_sizes_and_enums() -> None:
    value = values_of(Config(eval=EvalConfig(dim=None)), {"eval.dim": 384}, ["loss=plain", "train.epochs=2"])
    assert (value("loss"), value("eval.dim"), value("train.batch_sampler")) == ("plain", 384, "plain")
    for key in ("train", "train.nope", "loss.matryoshka.nope"):
        with pytest.raises(KeyError):
            value(key)


FILES = {"model": {"tiny": {"name": "tiny"}, "minilm": {"name": "minilm"}}}


def test_values_of_knows_the_file_of_a_group_by_what_the_group_holds() -> None:
    recorded = {"model": {"name": "minilm"}, "train": {"epochs": 5}}
    assert values_of(recorded, files=FILES)("model") == "minilm"
    with pytest.raises(KeyError):
        values_of({"model": {"name": "another"}}, files=FILES)("model")


def test_the_default_recipe_has_the_file_of_a_searched_group(caplog: pytest.LogCaptureFixture) -> None:
    space = build_space((), {"model": "choice(tiny, minilm)", "train.epochs": "choice(1, 5)"}, (64,))
    recorded = {"model": {"name": "minilm"}, "train": {"epochs": 5}}
    assert default_recipe(space, values_of(recorded, files=FILES)) == {"model": "minilm", "train.epochs": 5}
    assert caplog.text == ""
    assert default_recipe(space, values_of({**recorded, "model": {"name": "x"}}, files=FILES)) == {"train.epochs": 5}
    assert "the default model is none of choice(tiny, minilm)" in caplog.text


def test_warm_start_takes_a_recorded_group_into_a_space_that_searches_it(tmp_path: Path) -> None:
    earlier = StudyPaths(tmp_path / "earlier")
    add(earlier, 0, 0.5, {"train.epochs": 5})
    space = build_space((), {"model": "choice(tiny, minilm)", "train.epochs": "choice(1, 5)"}, (64,))
    files = {"model": {word: plain(Config(model=ModelConfig(word)))["model"] for word in ("tiny", "minilm")}}
    (known,) = warm_start(earlier, 1, Rules(space), files)
    assert known.point == {"model": "minilm", "train.epochs": 5}


def test_given_is_completed_by_the_default_recipe(space: Space) -> None:
    [first, second] = given(
        [{"train.learning_rate": 1e-4}, {"train.epochs": 1.0, "train.batch_sampler": "no_duplicates"}],
        DEFAULT, space, Constraints(),
    )  # fmt: skip
    assert first.point == {**DEFAULT, "train.learning_rate": 1e-4}
    assert second.point == {**DEFAULT, "train.epochs": 1, "train.batch_sampler": "no_duplicates"}
    assert second.origin == "hydra.sweeper.enqueue[1]"


def test_given_says_every_problem() -> None:
    conditions = {"train.learning_rate": "train.batch_sampler=no_duplicates"}
    space = build_space((), SEARCHED, (64,), conditions=conditions)
    constraints = parse_constraints(["train.epochs <= 4"], space, {}.__getitem__, [64])
    with pytest.raises(ConfigError) as caught:
        given([{"train.epochs": 5}, {"train.x": 1, "train.epochs": True}, {"train.learning_rate": 1e-4}],
              {"train.epochs": 1, "train.batch_sampler": "plain"}, space, constraints)  # fmt: skip
    assert str(caught.value).splitlines() == [
        "hydra.sweeper.enqueue[0] must keep the constraints, but breaks train.epochs <= 4. "
        "Change it or the constraint.",
        "hydra.sweeper.enqueue[1] must name searched keys, but got train.x. There are train.epochs, "
        "train.batch_sampler, train.learning_rate, loss.matryoshka.weights.64.",
        "hydra.sweeper.enqueue[1] must lie in the space, but got train.epochs=True. It is searched as choice(1, 5).",
        "hydra.sweeper.enqueue[2] must keep the conditions, but got train.learning_rate, which is there only with "
        "train.batch_sampler=no_duplicates.",
    ]


def add(study: StudyPaths, number: int, value: float | None, params: dict[str, Any], **train: Any) -> None:
    config = OmegaConf.to_container(OmegaConf.structured(Config(train=TrainConfig(**train))), enum_to_str=True)
    assert isinstance(config, dict)
    state = State.FAIL if value is None else State.COMPLETE
    record = TrialRecord(study.name, number, state, params=params, value=value)
    archive.write_header(study.trial(number), record, {str(key): part for key, part in config.items()})
    archive.write_result(study.trial(number), record)


def test_warm_start_takes_the_best_that_lie_in_the_space(tmp_path: Path, space: Space) -> None:
    earlier = StudyPaths(tmp_path / "earlier")
    add(earlier, 0, 0.5, {"train.epochs": 1}, epochs=1)
    add(earlier, 1, 0.9, {"train.epochs": 3}, epochs=3)  # 3 epochs are outside
    add(earlier, 2, 0.8, {"train.learning_rate": 2e-4}, learning_rate=2e-4)
    add(earlier, 3, 0.7, {"train.weight_decay": 0.1}, learning_rate=2e-4, weight_decay=0.1)  # equal in this space
    add(earlier, 4, None, {"train.epochs": 5})
    known = warm_start(earlier, 2, Rules(space))
    assert [own.origin for own in known] == ["trial 2 of earlier", "trial 0 of earlier"]
    assert [own.point for own in known] == [
        {**DEFAULT, "train.learning_rate": 2e-4}, {**DEFAULT, "train.epochs": 1},
    ]  # fmt: skip


def test_warm_start_says_when_there_are_fewer(tmp_path: Path, space: Space, caplog: pytest.LogCaptureFixture) -> None:
    earlier = StudyPaths(tmp_path / "earlier")
    add(earlier, 0, 0.5, {"train.epochs": 5})
    constraints = parse_constraints(["train.epochs <= 4"], space, {}.__getitem__, [64])
    assert warm_start(earlier, 3, Rules(space, constraints)) == []
    assert "0 of 3 configurations of study earlier" in caplog.text
