"""Every loss of the table trains as sentence-transformers' own trainer does with the class a user would write."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import losses as stock
from sentence_transformers.util import dot_score, pairwise_cos_sim
from torch import nn

from embedtune.config import (
    Config,
    Directions,
    HardnessOn,
    LossConfig,
    MarginStrategy,
    MatryoshkaConfig,
    ModelConfig,
    Partition,
    Precision,
    Similarity,
    TrainConfig,
)
from embedtune.models.load import load_model
from embedtune.records import TrainingSet
from embedtune.training import Attempt, Listener, train_model
from embedtune.training.arguments import training_arguments
from embedtune.training.losses import LOSSES, Loss, Scores
from embedtune.training.train import to_dataset
from families import family
from stock import trained_losses

Make = Callable[[SentenceTransformer, SentenceTransformer], nn.Module]
DIMS, WEIGHTS = [32, 16], [1, 1]
STEPS = 10
ALL = ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc")

CASES: dict[str, tuple[str, dict[str, Any], Make]] = {
    "mnrl": ("mnrl", {}, lambda m, _: stock.MultipleNegativesRankingLoss(m)),
    "mnrl dot": (
        "mnrl",
        {"similarity": Similarity.dot, "scale": 1.0},
        lambda m, _: stock.MultipleNegativesRankingLoss(m, scale=1.0, similarity_fct=dot_score),
    ),
    "mnrl symmetric": (
        "mnrl",
        {"directions": Directions.symmetric, "partition": Partition.per_direction},
        lambda m, _: stock.MultipleNegativesSymmetricRankingLoss(m),
    ),
    "mnrl all directions": (
        "mnrl",
        {"directions": Directions.all},
        lambda m, _: stock.MultipleNegativesRankingLoss(m, directions=ALL),
    ),
    "mnrl hardness": (
        "mnrl",
        {"hardness": 5.0, "hardness_on": HardnessOn.all},
        lambda m, _: stock.MultipleNegativesRankingLoss(m, hardness_mode="all_negatives", hardness_strength=5.0),
    ),
    "cached_mnrl": ("cached_mnrl", {}, lambda m, _: stock.CachedMultipleNegativesRankingLoss(m)),
    "cached_mnrl hardness": (
        "cached_mnrl",
        {"hardness": 9.0, "directions": Directions.symmetric},
        lambda m, _: stock.CachedMultipleNegativesRankingLoss(
            m, hardness_mode="in_batch_negatives", hardness_strength=9.0, directions=("query_to_doc", "doc_to_query")
        ),
    ),
    "gist": ("gist", {"scale": 100.0}, lambda m, guide: stock.GISTEmbedLoss(m, guide)),
    "gist margin": (
        "gist",
        {"scale": 20.0, "margin": 0.0, "margin_strategy": MarginStrategy.relative},
        lambda m, guide: stock.GISTEmbedLoss(m, guide, temperature=0.05, margin_strategy="relative", margin=0.0),
    ),
    "cached_gist": ("cached_gist", {"scale": 100.0}, lambda m, guide: stock.CachedGISTEmbedLoss(m, guide)),
    "triplet": ("triplet", {}, lambda m, _: stock.TripletLoss(m)),
    "triplet margin": ("triplet", {"margin": 1.0}, lambda m, _: stock.TripletLoss(m, triplet_margin=1.0)),
    "cosent": ("cosent", {}, lambda m, _: stock.CoSENTLoss(m)),
    "angle": ("angle", {}, lambda m, _: stock.AnglELoss(m)),
    "cosine_similarity": ("cosine_similarity", {}, lambda m, _: stock.CosineSimilarityLoss(m)),
    "contrastive": ("contrastive", {}, lambda m, _: stock.ContrastiveLoss(m)),
    "contrastive margin": ("contrastive", {"margin": 0.3}, lambda m, _: stock.ContrastiveLoss(m, margin=0.3)),
    "online_contrastive": ("online_contrastive", {}, lambda m, _: stock.OnlineContrastiveLoss(m)),
    "margin_mse": ("margin_mse", {"similarity": Similarity.dot}, lambda m, _: stock.MarginMSELoss(m)),
    "kl": (
        "kl",
        {},
        lambda m, _: stock.DistillKLDivLoss(
            m, similarity_fct=pairwise_cos_sim, student_temperature=0.05, teacher_temperature=1.0
        ),
    ),
}


def test_every_loss_of_the_table_is_compared() -> None:
    assert {name for name, _, _ in CASES.values()} == set(LOSSES)


def rows_for(loss: Loss, rows: TrainingSet) -> TrainingSet:
    """Rows with the columns and the scores that a loss reads."""
    least, most = loss.negatives
    columns = dict(rows.columns)
    if least or most == 1:
        columns["negative"] = (*columns["positive"][7:], *columns["positive"][:7])
    count = {Scores.NONE: 0, Scores.MARGINS: 2, Scores.PASSAGES: 2}.get(loss.scores, 1)
    whole = loss.scores is Scores.LABEL
    scores = [tuple(((3 * row + 5 * at) % 7) / 7 for at in range(count)) for row in range(len(rows))]
    return TrainingSet(rows.name, columns, tuple(tuple(map(round, row)) if whole else row for row in scores if row))


def ours(config: Config, rows: TrainingSet, folder: Path) -> list[float]:
    losses: list[float] = []
    listener = Listener(lambda _: None, lambda progress: losses.append(progress.loss or 0.0))
    train_model(load_model(config.model, "cpu"), [rows], config, Attempt(folder), listener)
    return losses


def theirs(make: Make, config: Config, rows: TrainingSet, scores: Scores, folder: Path) -> list[float]:
    model = load_model(config.model, "cpu")
    loss = make(model, copy.deepcopy(model).eval())
    if config.loss.matryoshka is not None:
        loss = stock.MatryoshkaLoss(model, loss, matryoshka_dims=DIMS, matryoshka_weights=WEIGHTS)
    arguments = training_arguments(config.train, folder, "cpu", "fp32")
    return trained_losses(model, arguments, to_dataset([rows], scores), loss)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model without dropout, which the two would draw differently."""
    return family("bert", {}, tmp_path_factory.mktemp("base") / "bert")


@pytest.mark.parametrize("nested", [False, True], ids=["plain", "nested"])
@pytest.mark.parametrize("case", CASES)
def test_the_losses_are_those_of_the_stock_trainer(
    case: str, nested: bool, base: Path, small_training: TrainingSet, tmp_path: Path
) -> None:
    name, options, make = CASES[case]
    matryoshka = MatryoshkaConfig(dims=DIMS) if nested else None
    train = TrainConfig(batch_size=6, epochs=2, learning_rate=1e-3, precision=Precision.fp32, device="cpu")
    config = Config(
        model=ModelConfig(str(base)), train=train, loss=LossConfig(name=name, matryoshka=matryoshka, **options)
    )
    loss = LOSSES[name]
    rows = rows_for(loss, small_training)
    found = ours(config, rows, tmp_path)
    expected = theirs(make, config, rows, loss.scores, tmp_path / "stock")
    assert len(found) == len(expected) >= STEPS
    assert found[:STEPS] == pytest.approx(expected[:STEPS], rel=1e-4)
    assert len({round(value, 5) for value in found}) > 1, "it learns"
