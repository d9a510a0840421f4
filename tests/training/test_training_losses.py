"""One table of losses, and what a further one takes."""

from __future__ import annotations

import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss

from embedtune.config import Config, LossConfig, TrainConfig
from embedtune.config.location import loss_names
from embedtune.records import TrainingSet
from embedtune.training import columns_problems, smaller_mini_batch
from embedtune.training.losses import LOSSES, Loss, build_loss, nested_losses


def test_the_configuration_knows_the_losses_of_the_table() -> None:
    assert set(loss_names()) == set(LOSSES)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=lambda loss: loss.name)
@pytest.mark.parametrize("rows", [None, 3])
def test_every_loss_is_built_and_its_cached_form_too(tiny: SentenceTransformer, loss: Loss, rows: int | None) -> None:
    built = nested_losses(build_loss(tiny, Config(loss=LossConfig(name=loss.name, scale=7.0)), rows))[-1]
    assert built.scale == 7.0
    if rows is not None or loss.mini_batch_size is not None:
        assert isinstance(built, CachedMultipleNegativesRankingLoss)
        assert built.mini_batch_size == (rows or loss.mini_batch_size)


def test_a_loss_without_a_cached_form_is_not_tried_in_smaller_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOSSES, "other", Loss("other", LOSSES["mnrl"].build))
    config = Config(train=TrainConfig(batch_size=20), loss=LossConfig(name="other"))
    assert smaller_mini_batch(config, None) is None


def test_columns_that_a_loss_needs_are_named(small_training: TrainingSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        LOSSES, "triplet", Loss("triplet", LOSSES["mnrl"].build, needs=("anchor", "positive", "negative"))
    )
    assert list(columns_problems(Config(), [small_training])) == []
    assert list(columns_problems(Config(loss=LossConfig(name="triplet")), [small_training])) == [
        "loss.name=triplet must have the columns anchor, positive, negative, but got anchor, positive in training set "
        "small. Add negative, or take another loss."
    ]
