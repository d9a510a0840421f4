"""False negatives of a batch have no part in its softmax, whatever the directions and the form of the loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn.functional import normalize

from embedtune.config import (
    BatchSampler,
    Config,
    Directions,
    HardnessOn,
    LossConfig,
    MatryoshkaConfig,
    ModelConfig,
    Partition,
    Precision,
    TrainConfig,
)
from embedtune.models.load import load_model
from embedtune.records import TrainingSet
from embedtune.training import Attempt, Listener, train_model
from embedtune.training.batches import same_text
from embedtune.training.losses import build_loss, nested_losses, relate

ANCHORS = ("who sells bread", "what is rye", "Who sells  bread", "where to buy flour", "is rye bread")
POSITIVES = ("the baker", "a grain", "the shop", "The Baker", "yes")
NEGATIVES = ("a car", "the shop", "a stone", "a tree", "a grain")
ROWS = TrainingSet("rows", {"anchor": ANCHORS, "positive": POSITIVES, "negative": NEGATIVES})
APART = TrainingSet("apart", {"anchor": tuple("abcde"), "positive": tuple("fghij"), "negative": tuple("klmno")})
FORMS: dict[str, dict[str, Any]] = {
    "query": {},
    "symmetric": {"directions": Directions.symmetric},
    "per direction": {"directions": Directions.symmetric, "partition": Partition.per_direction},
    "all": {"directions": Directions.all},
    "hardness": {"directions": Directions.all, "hardness": 5.0, "hardness_on": HardnessOn.all},
}


def embeddings(columns: int) -> list[Tensor]:
    torch.manual_seed(3)
    return [torch.randn(5, 8, dtype=torch.float64, requires_grad=True) for _ in range(columns)]


def by_hand(loss: LossConfig, rows: TrainingSet, columns: Sequence[Tensor]) -> float:
    """The softmax written out, one pair after the other."""
    texts = [[same_text(text) for text in column] for column in rows.columns.values()]
    answers = [{own for asked, own in zip(*texts[:2], strict=True) if asked == anchor} for anchor in texts[0]]
    count, directions = len(rows), {Directions.query: 1, Directions.symmetric: 2, Directions.all: 4}[loss.directions]
    unit = [normalize(column.detach(), dim=-1) for column in columns]
    total = 0.0
    for i in range(count):
        parts: list[list[float]] = [[] for _ in range(4)]
        positive = float(unit[0][i] @ unit[1][i]) * loss.scale
        for j in range(count):
            related = texts[1][i] in answers[j]
            for c in range(1, len(texts)):
                if j == i or texts[c][j] not in answers[i]:
                    similarity = float(unit[0][i] @ unit[c][j])
                    harder = loss.hardness if (c, j) != (1, i) else 0.0
                    parts[0].append(similarity * (loss.scale + harder))
                if j != i and texts[c][j] not in answers[i] and not (c == 1 and related):
                    parts[3].append(float(unit[1][i] @ unit[c][j]) * loss.scale)
            if j != i and not answers[i] & answers[j]:
                parts[1].append(float(unit[0][i] @ unit[0][j]) * loss.scale)
            if j == i or not related:
                parts[2].append(float(unit[0][j] @ unit[1][i]) * loss.scale)
        used = {1: parts[:1], 2: [parts[0], parts[2]], 4: parts}[directions]
        if loss.partition is Partition.per_direction:
            log_z = sum(math.log(sum(map(math.exp, part))) for part in used) / len(used)
        else:
            log_z = math.log(sum(math.exp(value) for part in used for value in part))
        total += log_z - positive
    return total / count


def value(tiny: SentenceTransformer, loss: LossConfig, rows: TrainingSet, columns: Sequence[Tensor], mini: int) -> Any:
    """The loss of one batch of all rows, and the gradient of the anchors."""
    built: Any = build_loss(tiny, Config(loss=loss), mini or None)
    relate(nested_losses(built), [rows])
    own = [column.detach().clone().requires_grad_() for column in columns]
    if mini:
        reps = [[part.detach().requires_grad_() for part in column.split(mini)] for column in own]
        found = built.calculate_loss(reps, torch.arange(5), with_backward=True)
        gradient = torch.cat([part.grad for part in reps[0] if part.grad is not None])
    else:
        found = built.compute_loss_from_embeddings(own, torch.arange(5))
        found.backward()
        gradient = own[0].grad
    assert gradient is not None
    return found.item(), gradient


@pytest.mark.parametrize("mini", [0, 2], ids=["whole", "cached"])
@pytest.mark.parametrize("form", FORMS)
def test_it_is_the_softmax_without_them(form: str, mini: int, tiny: SentenceTransformer) -> None:
    loss = LossConfig(matryoshka=None, mask_false_negatives=True, **FORMS[form])
    found, gradient = value(tiny, loss, ROWS, columns := embeddings(3), mini)
    assert found == pytest.approx(by_hand(loss, ROWS, columns), abs=1e-6)
    assert torch.isfinite(gradient).all()
    plain, _ = value(tiny, LossConfig(matryoshka=None, **FORMS[form]), ROWS, columns, mini)
    assert abs(plain - found) > 1e-3


@pytest.mark.parametrize("mini", [0, 2], ids=["whole", "cached"])
@pytest.mark.parametrize("form", FORMS)
def test_without_false_negatives_it_is_the_plain_loss(form: str, mini: int, tiny: SentenceTransformer) -> None:
    columns = embeddings(3)
    masked = value(tiny, LossConfig(matryoshka=None, mask_false_negatives=True, **FORMS[form]), APART, columns, mini)
    plain = value(tiny, LossConfig(matryoshka=None, **FORMS[form]), APART, columns, mini)
    assert masked[0] == plain[0]
    assert torch.equal(masked[1], plain[1])


def losses(rows: Sequence[TrainingSet], folder: Path, loss: LossConfig, **train: Any) -> list[float]:
    found: list[float] = []
    options = {"batch_size": 6, "epochs": 1, "learning_rate": 1e-3, "precision": Precision.fp32, "device": "cpu"}
    config = Config(model=ModelConfig("tiny"), train=TrainConfig(**{**options, **train}), loss=loss)
    listener = Listener(lambda _: None, lambda progress: found.append(progress.loss or 0.0))
    train_model(load_model(config.model, "cpu"), rows, config, Attempt(folder), listener)
    return found


def doubled(rows: TrainingSet) -> TrainingSet:
    """Each positive twice, for another question of the same words."""
    columns = {name: (*texts[:9], *(text.upper() for text in texts[:9])) for name, texts in rows.columns.items()}
    return TrainingSet(rows.name, columns)


@pytest.mark.parametrize("name", ["mnrl", "cached_mnrl"])
def test_it_trains_nested_in_chunks_and_on_several_sets(name: str, small_training: TrainingSet, tmp_path: Path) -> None:
    nested = MatryoshkaConfig(dims=[64, 32])
    rows = doubled(small_training)
    sets = [TrainingSet("first", small_training.select(range(12)).columns), TrainingSet("more", rows.columns)]
    masked = LossConfig(name=name, matryoshka=nested, mask_false_negatives=True)
    plain = LossConfig(name=name, matryoshka=nested)
    found = losses(sets, tmp_path, masked)
    assert found == losses(sets, tmp_path, masked), "and it is the same again"
    assert found != losses(sets, tmp_path, plain)


def test_batches_that_hold_none_train_as_the_plain_loss_does(small_training: TrainingSet, tmp_path: Path) -> None:
    rows, apart = [doubled(small_training)], BatchSampler.relevance
    masked = losses(rows, tmp_path, LossConfig(mask_false_negatives=True), batch_sampler=apart)
    assert masked == losses(rows, tmp_path, LossConfig(), batch_sampler=apart)
