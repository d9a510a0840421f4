"""What a loss needs of the rows, and what it leaves unread, is said before any training."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CachedGISTEmbedLoss, CachedMultipleNegativesRankingLoss

from embedtune.config import Config, Directions, HardnessOn, LossConfig, Similarity, TrainConfig
from embedtune.config.location import loss_options
from embedtune.records import TrainingSet
from embedtune.training import columns_problems, smaller_mini_batch, unread_scores
from embedtune.training.losses import LOSSES, Loss, build_loss, nested_losses


def problems(name: str, rows: TrainingSet, teacher: str | None = None) -> list[str]:
    return list(columns_problems(Config(loss=LossConfig(name=name, teacher=teacher)), [rows]))


def with_negatives(rows: TrainingSet, count: int) -> TrainingSet:
    more = {f"negative_{number + 1}": rows.columns["positive"] for number in range(count)}
    return replace(rows, columns={**rows.columns, **more})


def with_scores(rows: TrainingSet, *scores: float) -> TrainingSet:
    return replace(rows, scores=(scores,) * len(rows))


def test_the_configuration_knows_the_losses_of_the_table() -> None:
    assert set(loss_options()) == set(LOSSES)


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if loss.cached is not None])
def test_the_form_with_mini_batches_has_every_option(tiny: SentenceTransformer, name: str) -> None:
    options = LossConfig(
        name=name, scale=7.0, margin=0.1, hardness=3.0, hardness_on=HardnessOn.hard,
        directions=Directions.symmetric, similarity=Similarity.dot,
    )  # fmt: skip
    whole = nested_losses(build_loss(tiny, Config(loss=options)))[-1]
    cached = nested_losses(build_loss(tiny, Config(loss=options), 3))[-1]
    assert isinstance(cached, CachedMultipleNegativesRankingLoss | CachedGISTEmbedLoss)
    assert cached.mini_batch_size == 3
    same = set(whole.get_config_dict()) - {"mini_batch_size", "mini_batch_num_tokens", "guide"}
    assert {key: whole.get_config_dict()[key] for key in same} == {key: cached.get_config_dict()[key] for key in same}


def test_a_loss_without_a_cached_form_is_not_tried_in_smaller_pieces() -> None:
    assert smaller_mini_batch(Config(train=TrainConfig(batch_size=20), loss=LossConfig(name="triplet")), None) is None
    with pytest.raises(ValueError, match="no cached form"):
        build_loss(SentenceTransformer.__new__(SentenceTransformer), Config(loss=LossConfig(name="cosent")), 4)


def test_negatives(small_training: TrainingSet) -> None:
    assert problems("mnrl", small_training) == problems("mnrl", with_negatives(small_training, 3)) == []
    assert problems("triplet", small_training) == [
        "loss.name=triplet must have a negative in each row, but got 0 (anchor, positive) in training set small. "
        "Add it, set train.negatives.count, or take another loss."
    ]
    assert "at most 1 negative in each row, but got 2" in problems("triplet", with_negatives(small_training, 2))[0]
    assert "data.columns.negative" in problems("gist", with_negatives(small_training, 2))[0]
    assert "pairs without negatives" in problems("cosent", with_scores(with_negatives(small_training, 1), 1.0))[0]


def test_scores(small_training: TrainingSet) -> None:
    triples = with_negatives(small_training, 1)
    assert "got none in training set small. Add a column score" in problems("cosent", small_training)[0]
    assert problems("cosent", with_scores(small_training, -4.5)) == []
    assert "a similarity from 0 to 1 beside the texts of each row, but got 1.5 in row 1 of training set small, and so "\
        "in 30 of 30 rows" in problems("cosine_similarity", with_scores(small_training, 1.5))[0]  # fmt: skip
    assert "a label, 0 or 1" in problems("contrastive", with_scores(small_training, 0.5))[0]
    assert problems("margin_mse", with_scores(triples, 3.0)) == problems("margin_mse", with_scores(triples, 9, 2)) == []
    assert "loss.teacher=MODEL" in problems("kl", with_scores(triples, 3.0))[0]
    assert problems("kl", triples, teacher="folder") == []


def test_scores_that_are_not_read_are_said(small_training: TrainingSet) -> None:
    def said(name: str, rows: TrainingSet, teacher: str | None = None) -> list[str]:
        return list(unread_scores(Config(loss=LossConfig(name=name, teacher=teacher)), [rows]))

    assert said("mnrl", small_training) == said("cosent", with_scores(small_training, 1.0)) == []
    assert "also the 30 of 30 whose score is below 0.5" in said("mnrl", with_scores(small_training, 0.2))[0]
    assert "loss=margin_mse" in said("mnrl", with_scores(with_negatives(small_training, 1), 3.0, 1.0))[0]
    assert "take their place" in said("kl", with_scores(with_negatives(small_training, 1), 3.0, 1.0), "teacher")[0]


def test_a_new_entry_needs_its_own_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOSSES, "other", Loss("other", LOSSES["mnrl"].build))
    assert set(loss_options()) != set(LOSSES)
