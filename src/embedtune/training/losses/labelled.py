"""Losses on one row at a time: triplets, and pairs with a label or a score."""

from __future__ import annotations

from sentence_transformers.sentence_transformer.losses import (
    AnglELoss,
    ContrastiveLoss,
    CoSENTLoss,
    CosineSimilarityLoss,
    OnlineContrastiveLoss,
    TripletLoss,
)

from embedtune.config import Config
from embedtune.training.losses.table import Loss, Scores


def _margin(config: Config, name: str) -> dict[str, float]:
    """``loss.margin`` as an argument; without it the class takes its own."""
    return {} if config.loss.margin is None else {name: config.loss.margin}


LABELLED = (
    # FaceNet: A Unified Embedding for Face Recognition and Clustering, Schroff et al., 2015.
    Loss(
        "triplet",
        lambda model, config: TripletLoss(model, **_margin(config, "triplet_margin")),
        negatives=(1, 1),
        one_pass=True,
    ),
    # CoSENT: A more efficient sentence vector scheme than Sentence-BERT, Su, 2022.
    Loss(
        "cosent",
        lambda model, config: CoSENTLoss(model, scale=config.loss.scale),
        negatives=(0, 0),
        scores=Scores.ORDER,
        one_pass=True,
    ),
    # AnglE-optimized Text Embeddings, Li and Li, 2023.
    Loss(
        "angle",
        lambda model, config: AnglELoss(model, scale=config.loss.scale),
        negatives=(0, 0),
        scores=Scores.ORDER,
        one_pass=True,
    ),
    # Sentence-BERT, Reimers and Gurevych, 2019.
    Loss(
        "cosine_similarity",
        lambda model, _: CosineSimilarityLoss(model),
        negatives=(0, 0),
        scores=Scores.SIMILARITY,
        one_pass=True,
    ),
    # Dimensionality Reduction by Learning an Invariant Mapping, Hadsell et al., 2006.
    Loss(
        "contrastive",
        lambda model, config: ContrastiveLoss(model, **_margin(config, "margin")),
        negatives=(0, 0),
        scores=Scores.LABEL,
        one_pass=True,
    ),
    # Which pairs are hard may turn on the last bit of an embedding: they are embedded as the library does it.
    Loss(
        "online_contrastive",
        lambda model, config: OnlineContrastiveLoss(model, **_margin(config, "margin")),
        negatives=(0, 0),
        scores=Scores.LABEL,
    ),
)
