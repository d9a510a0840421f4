"""Every rule of the configuration: alone, and several broken ones together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from embedtune.config import (
    BatchSampler,
    Config,
    DataConfig,
    Directions,
    EvalConfig,
    LossConfig,
    MatryoshkaConfig,
    NegativesConfig,
    Partition,
    ReleaseConfig,
    StudyConfig,
    TrainConfig,
    problems,
    to_config,
)
from embedtune.config.rules.evaluation import METRICS, OBJECTIVES
from embedtune.config.rules.training import SCHEDULERS
from embedtune.errors import ConfigError


def train(**values: object) -> Config:
    return Config(train=replace(TrainConfig(), **values))


def loss(**values: object) -> Config:
    return Config(loss=replace(LossConfig(), **values))


def matryoshka(dims: list[int] | None, **weights: float) -> Config:
    return loss(matryoshka=MatryoshkaConfig(dims, {key.removeprefix("w"): value for key, value in weights.items()}))


def evaluation(**values: object) -> Config:
    return Config(eval=replace(EvalConfig(), **values))


def data(**values: object) -> Config:
    return Config(data=replace(DataConfig(), **values))


def study(**values: object) -> Config:
    return Config(study=replace(StudyConfig(), **values))


ACCEPTED = {
    "defaults": Config(),
    "smallest batch": train(batch_size=2),
    "part of an epoch": train(epochs=0.1),
    "warm-up of nearly all": train(warmup_ratio=0.99),
    "no clipping": train(max_grad_norm=0),
    "one piece": train(chunks=1),
    "cached loss": loss(name="cached_mnrl"),
    "plain loss": loss(matryoshka=None),
    "dims and a weight": matryoshka([768, 64], w64=0.5),
    "weight of a default dim": matryoshka(None, w64=0.0),
    "every step": evaluation(every=1),
    "half an epoch": evaluation(every=0.5),
    "whole number as a fraction": evaluation(every=20.0),
    "a dim": evaluation(dim=64),
    "folds": evaluation(folds=2),
    "files": data(source="files", path="x"),
    "renamed splits": data(splits={"validation": "dev.jsonl", "test": "held-out"}),
    "a named study": study(name="rights-2.1_b"),
}

BROKEN = [
    (train(batch_size=1), "train.batch_size must be at least 2, but got 1. "),
    (train(epochs=0), "train.epochs must be above 0 and at most 1000000, but got 0. "),
    (train(epochs=math.inf), "train.epochs must be above 0 and at most 1000000, but got inf. "),
    (train(learning_rate=0.0), "train.learning_rate must be above 0, but got 0.0. "),
    (train(learning_rate=math.nan), "train.learning_rate must be above 0, but got nan. "),
    (train(learning_rate=math.inf), "train.learning_rate must be above 0, but got inf. "),
    (train(warmup_ratio=-0.1), "train.warmup_ratio must be at least 0 and below 1, but got -0.1. "),
    (train(warmup_ratio=1.0), "train.warmup_ratio must be at least 0 and below 1, but got 1.0. "),
    (train(weight_decay=-1.0), "train.weight_decay must be at least 0, but got -1.0. "),
    (train(weight_decay=math.inf), "train.weight_decay must be at least 0, but got inf. "),
    (train(weight_decay=math.nan), "train.weight_decay must be at least 0, but got nan. "),
    (train(max_grad_norm=-1.0), "train.max_grad_norm must be at least 0, but got -1.0. "),
    (train(scheduler="step"), f"train.scheduler must be one of {', '.join(SCHEDULERS)}, but got step. "),
    (train(seed=-1), "train.seed must be at least 0 and below 4294967296, but got -1. "),
    (train(seed=2**32), "train.seed must be at least 0 and below 4294967296, but got 4294967296. "),
    (train(chunks=0), "train.chunks must be at least 1, but got 0. "),
    (
        Config(train=TrainConfig(gradient_checkpointing=True), loss=LossConfig(name="cached_gist")),
        "train.gradient_checkpointing must be false with loss.name=cached_gist, but got true. Both compute ",
    ),
    (
        train(negatives=NegativesConfig(count=1, refresh=0)),
        "train.negatives.refresh must be at least 1, in epochs, but ",
    ),
    (
        train(negatives=NegativesConfig(count=1, refresh=2), batch_sampler=BatchSampler.relevance),
        "train.negatives.refresh must be null with train.batch_sampler=relevance, but got 2. Which rows may meet, ",
    ),
    (
        Config(
            train=TrainConfig(negatives=NegativesConfig(count=1, refresh=1)),
            loss=LossConfig(name="margin_mse", teacher="x"),
        ),
        "train.negatives.refresh must be null with loss.teacher, but got 1. ",
    ),
    (loss(name="triplet", mask_false_negatives=True), "loss.mask_false_negatives must be False with loss.name=triplet"),
    (loss(name="softmax"), "loss.name must be one of angle, cached_gist, cached_mnrl, contrastive, cosent, "),
    (loss(hardness=-1.0), "loss.hardness must be at least 0, but got -1.0. "),
    (loss(margin=math.nan, name="gist"), "loss.margin must be at least 0, but got nan. "),
    (loss(guide=" ", name="gist"), "loss.guide must name a model, but got ' '. "),
    (
        loss(directions=Directions.all, partition=Partition.per_direction),
        "loss.partition must be joint with loss.directions=all, but got per_direction. ",
    ),
    (
        loss(name="triplet", hardness=5.0),
        "loss.hardness must be 0.0 with loss.name=triplet, which does not read it, but got 5.0. It is read by ",
    ),
    (loss(scale=0.0), "loss.scale must be above 0, but got 0.0. "),
    (loss(scale=math.nan), "loss.scale must be above 0, but got nan. "),
    (loss(scale=math.inf), "loss.scale must be above 0, but got inf. "),
    (matryoshka([]), "loss.matryoshka.dims must name at least one dimension, but got []. "),
    (matryoshka([64, 0]), "loss.matryoshka.dims must be above 0, but got [64, 0]. "),
    (matryoshka([64, 64]), "loss.matryoshka.dims must not repeat, but got [64, 64]. "),
    (matryoshka([64], w32=1.0), "loss.matryoshka.weights.32 must be the weight of one of loss.matryoshka.dims, "),
    (matryoshka(None, wbig=1.0), "loss.matryoshka.weights.big must be the weight of one of loss.matryoshka.dims, "),
    (matryoshka([64], w064=1.0), "loss.matryoshka.weights.064 must be the weight of one of loss.matryoshka.dims, "),
    (matryoshka([64], w64=-0.5), "loss.matryoshka.weights.64 must be at least 0, but got -0.5. "),
    (matryoshka([64], w64=math.inf), "loss.matryoshka.weights.64 must be at least 0, but got inf. "),
    (
        evaluation(objective="map@100"),
        "eval.objective must be cosine_ or dot_, one of accuracy, precision, recall, ndcg, ",
    ),
    (evaluation(split="dev"), "eval.split must be one of train, validation, test, but got dev. "),
    (
        evaluation(every="step"),
        "eval.every must be epoch, a whole number of steps, or a fraction of an epoch, but got ",
    ),
    (evaluation(every=0), "eval.every must be epoch, "),
    (evaluation(every=1.5), "eval.every must be epoch, "),
    (evaluation(every=True), "eval.every must be epoch, "),
    (evaluation(every=math.nan), "eval.every must be epoch, "),
    (evaluation(every=math.inf), "eval.every must be epoch, "),
    (evaluation(batch_size=0), "eval.batch_size must be at least 1, but got 0. "),
    (evaluation(second=0), "eval.second must be a dimension, smallest, dimension or null, but got 0. "),
    (evaluation(second=True), "eval.second must be a dimension, smallest, dimension or null, but got True. "),
    (evaluation(second="tiny"), "eval.second must be a dimension, smallest, dimension or null, but got tiny. "),
    (evaluation(second=64, folds=2), "eval.folds must be 0 with eval.second, but got 2. "),
    (evaluation(folds=1), "eval.folds must be 0 or at least 2, but got 1. "),
    (evaluation(folds=-2), "eval.folds must be 0 or at least 2, but got -2. "),
    (evaluation(dim=0), "eval.dim must be above 0, but got 0. "),
    (data(source="web"), "data.source must be one of pydocs, files, hub, but got web. "),
    (data(source="files"), "data.path must be given, but got None. Say where the data is: data=files data.path=PATH."),
    (data(source="hub"), "data.path must be given, but got None. Say where the data is: data=hub data.path=PATH."),
    (data(splits={"dev": "x"}), "data.splits.dev must be one of train, validation, test, but got dev. "),
    (data(max_train=0), "data.max_train must be above 0, but got 0. "),
    (data(max_queries=-1), "data.max_queries must be above 0, but got -1. "),
    (study(n_trials=0), "study.n_trials must be at least 1, but got 0. "),
    (study(workers="two"), "study.workers must be auto or a whole number from 0, but got two. "),
    (study(workers=-1), "study.workers must be auto or a whole number from 0, but got -1. "),
    (study(keep=0), "study.keep must be at least 1, but got 0. "),
    (study(name="../up"), "study.name must be letters, digits, '.', '_' and '-', but got ../up. "),
    (study(name=""), "study.name must be letters, digits, '.', '_' and '-', but got . "),
    (study(name=".."), "study.name must be letters, digits, '.', '_' and '-', but got ... "),
    (study(name="a\n"), "study.name must be letters, digits, '.', '_' and '-', but got a\\n. "),
    (
        Config(release=ReleaseConfig(name="a b")),
        "release.name must be letters, digits, '.', '_' and '-', but got a b. ",
    ),
]


@pytest.mark.parametrize("config", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_valid_config_has_no_problems(config: Config) -> None:
    assert problems(config) == []


@pytest.mark.parametrize(("config", "start"), BROKEN, ids=[start[:60].strip() for _, start in BROKEN])
def test_broken_rule_is_the_one_problem_and_says_what_to_do(config: Config, start: str) -> None:
    (problem,) = problems(config)
    assert problem.startswith(start)
    assert problem.endswith((".", "?"))
    assert len(problem) > len(start.rstrip()) or start.endswith("PATH.")


def test_all_broken_rules_are_reported_together() -> None:
    config = Config(
        train=TrainConfig(batch_size=0, epochs=-1),
        loss=LossConfig(scale=-1.0, matryoshka=MatryoshkaConfig([0, 0], {"x": -1.0})),
        eval=EvalConfig(split="dev"),
        data=DataConfig(source="files", max_train=0),
        study=StudyConfig(name="a/b", n_trials=0),
    )
    keys = [problem.split(" must ")[0] for problem in problems(config)]
    assert keys == [
        "train.batch_size",
        "train.epochs",
        "loss.scale",
        "loss.matryoshka.dims",
        "loss.matryoshka.dims",
        "loss.matryoshka.weights.x",
        "loss.matryoshka.weights.x",
        "eval.split",
        "data.path",
        "data.max_train",
        "study.n_trials",
        "study.name",
    ]


def test_to_config_raises_all_problems_one_a_line() -> None:
    node = OmegaConf.structured(Config)
    node.train.batch_size, node.eval.split = 1, "dev"
    with pytest.raises(ConfigError) as raised:
        to_config(node)
    assert [line.split()[0] for line in str(raised.value).splitlines()] == ["train.batch_size", "eval.split"]


def test_to_config_gives_the_dataclasses() -> None:
    assert to_config(OmegaConf.structured(Config)) == Config()


def test_to_config_of_something_else_says_how_to_extend_the_schema() -> None:
    with pytest.raises(ConfigError, match=r"config must extend the schema, but got dict\. Add 'schema'"):
        to_config(OmegaConf.create({"train": {}}))


@settings(max_examples=150, deadline=None)
@given(
    change=st.sampled_from(
        [
            lambda value: train(epochs=value),
            lambda value: train(learning_rate=value),
            lambda value: train(warmup_ratio=value),
            lambda value: loss(scale=value),
            lambda value: evaluation(every=value),
            lambda value: matryoshka([64], w64=value),
        ]
    ),
    value=st.floats() | st.integers(),
)
def test_no_number_breaks_the_checks(change: Callable[[float], Config], value: float) -> None:
    found = problems(change(value))
    assert len(found) <= 1
    assert all(str(value) in problem for problem in found)
    if math.isnan(value):
        assert found


def test_objectives_are_the_30_metrics() -> None:
    assert len(OBJECTIVES) == 2 * len(METRICS) == 30
    assert (OBJECTIVES[0], OBJECTIVES[14], OBJECTIVES[15], OBJECTIVES[-1]) == (
        "cosine_accuracy@1",
        "cosine_map@100",
        "dot_accuracy@1",
        "dot_map@100",
    )
    assert all(problems(evaluation(objective=objective)) == [] for objective in OBJECTIVES)
