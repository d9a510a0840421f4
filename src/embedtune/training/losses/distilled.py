"""Losses that follow the scores of a teacher, which stand in the data or come from ``loss.teacher``."""

from __future__ import annotations

from collections.abc import Callable

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import DistillKLDivLoss, MarginMSELoss
from sentence_transformers.util import pairwise_cos_sim, pairwise_dot_score
from torch import Tensor, nn

from embedtune.config import Config, LossConfig, Similarity
from embedtune.training.losses.table import Loss, Scores


def _similarity(loss: LossConfig) -> Callable[[Tensor, Tensor], Tensor]:
    found: Callable[[Tensor, Tensor], Tensor] = (
        pairwise_dot_score if loss.similarity is Similarity.dot else pairwise_cos_sim
    )
    return found


def _margin_mse(model: SentenceTransformer, config: Config) -> nn.Module:
    loss: nn.Module = MarginMSELoss(model, similarity_fct=_similarity(config.loss))
    return loss


def _kl(model: SentenceTransformer, config: Config) -> nn.Module:
    loss: nn.Module = DistillKLDivLoss(
        model,
        similarity_fct=_similarity(config.loss),
        student_temperature=1 / config.loss.scale,
        teacher_temperature=1.0,
    )
    return loss


DISTILLED = (
    # Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge Distillation, Hofstätter et al., 2020.
    Loss("margin_mse", _margin_mse, negatives=(1, None), scores=Scores.MARGINS, one_pass=True),
    # RocketQAv2: A Joint Training Method for Dense Passage Retrieval and Passage Re-ranking, Ren et al., 2021.
    Loss("kl", _kl, negatives=(1, None), scores=Scores.PASSAGES, one_pass=True),
)
