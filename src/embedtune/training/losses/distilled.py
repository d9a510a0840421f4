"""Losses that follow the scores of a teacher, which stand in the data or come from ``loss.teacher``."""

from __future__ import annotations

from sentence_transformers.sentence_transformer.losses import DistillKLDivLoss, MarginMSELoss
from sentence_transformers.util import pairwise_cos_sim, pairwise_dot_score

from embedtune.config import Similarity
from embedtune.training.losses.table import Loss, Scores

_PAIRWISE = {Similarity.cosine: pairwise_cos_sim, Similarity.dot: pairwise_dot_score}

DISTILLED = (
    # Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge Distillation, Hofstätter et al., 2020.
    Loss(
        "margin_mse",
        lambda model, config: MarginMSELoss(model, similarity_fct=_PAIRWISE[config.loss.similarity]),
        negatives=(1, None),
        scores=Scores.MARGINS,
        one_pass=True,
    ),
    # RocketQAv2: A Joint Training Method for Dense Passage Retrieval and Passage Re-ranking, Ren et al., 2021.
    Loss(
        "kl",
        lambda model, config: DistillKLDivLoss(
            model,
            similarity_fct=_PAIRWISE[config.loss.similarity],
            student_temperature=1 / config.loss.scale,
            teacher_temperature=1.0,
        ),
        negatives=(1, None),
        scores=Scores.PASSAGES,
        one_pass=True,
    ),
)
