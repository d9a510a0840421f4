from __future__ import annotations

from typing import Any

import pytest

from embedtune.config import Config, EvalConfig, TrainConfig
from embedtune.records import TrainingSet
from embedtune.sweep.space.space import build_space
from embedtune.sweep.strategies.longest import most_evaluations


def training(*rows: int) -> list[TrainingSet]:
    return [TrainingSet(str(i), {"anchor": ("a",) * count}) for i, count in enumerate(rows)]


@pytest.mark.parametrize(
    ("every", "searched", "rows", "expected"),
    [
        ("epoch", {"train.epochs": "choice(1, 7)"}, (100,), 7),
        ("epoch", {}, (100,), 5),
        ("epoch", {"train.epochs": "interval(0.5, 2.5)"}, (100,), 3),
        (0.25, {"train.epochs": "choice(1, 3)"}, (100,), 12),
        (2, {"train.epochs": "choice(1, 2)", "train.batch_size": "choice(10, 50)"}, (100,), 10),
        ("epoch", {"train.epochs": "choice(1, 2)"}, (100, 30), 2),
        (1, {"train.epochs": "choice(1)", "train.batch_size": "choice(10)"}, (100, 30), 6),
    ],
)
def test_most_evaluations(every: Any, searched: dict[str, str], rows: tuple[int, ...], expected: int) -> None:
    config = Config(train=TrainConfig(), eval=EvalConfig(every=every))
    assert most_evaluations(config, build_space((), searched, (64,)), training(*rows)) == expected


def test_most_evaluations_counts_the_default_of_a_conditional_parameter() -> None:
    space = build_space((), {"train.epochs": "choice(1, 2)", "train.scheduler": "choice(linear, cosine)"}, (64,),
                        conditions={"train.epochs": "train.scheduler=cosine"})  # fmt: skip
    assert most_evaluations(Config(), space, training(100)) == 5
