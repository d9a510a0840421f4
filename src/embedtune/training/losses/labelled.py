"""Losses on one row at a time: triplets, and pairs with a label or a score."""

from __future__ import annotations

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import (
    AnglELoss,
    ContrastiveLoss,
    CoSENTLoss,
    CosineSimilarityLoss,
    OnlineContrastiveLoss,
    TripletLoss,
)
from torch import nn

from embedtune.config import Config
from embedtune.training.losses.table import Loss, Scores


def _triplet(model: SentenceTransformer, config: Config) -> nn.Module:
    margin = config.loss.margin
    loss: nn.Module = TripletLoss(model) if margin is None else TripletLoss(model, triplet_margin=margin)
    return loss


def _cosent(model: SentenceTransformer, config: Config) -> nn.Module:
    loss: nn.Module = CoSENTLoss(model, scale=config.loss.scale)
    return loss


def _angle(model: SentenceTransformer, config: Config) -> nn.Module:
    loss: nn.Module = AnglELoss(model, scale=config.loss.scale)
    return loss


def _cosine_similarity(model: SentenceTransformer, config: Config) -> nn.Module:
    loss: nn.Module = CosineSimilarityLoss(model)
    return loss


def _contrastive(model: SentenceTransformer, config: Config) -> nn.Module:
    margin = config.loss.margin
    loss: nn.Module = ContrastiveLoss(model) if margin is None else ContrastiveLoss(model, margin=margin)
    return loss


def _online_contrastive(model: SentenceTransformer, config: Config) -> nn.Module:
    margin = config.loss.margin
    loss: nn.Module = OnlineContrastiveLoss(model) if margin is None else OnlineContrastiveLoss(model, margin=margin)
    return loss


LABELLED = (
    # FaceNet: A Unified Embedding for Face Recognition and Clustering, Schroff et al., 2015.
    Loss("triplet", _triplet, negatives=(1, 1), one_pass=True),
    # CoSENT: A more efficient sentence vector scheme than Sentence-BERT, Su, 2022.
    Loss("cosent", _cosent, negatives=(0, 0), scores=Scores.ORDER, one_pass=True),
    # AnglE-optimized Text Embeddings, Li and Li, 2023.
    Loss("angle", _angle, negatives=(0, 0), scores=Scores.ORDER, one_pass=True),
    # Sentence-BERT, Reimers and Gurevych, 2019.
    Loss("cosine_similarity", _cosine_similarity, negatives=(0, 0), scores=Scores.SIMILARITY, one_pass=True),
    # Dimensionality Reduction by Learning an Invariant Mapping, Hadsell et al., 2006.
    Loss("contrastive", _contrastive, negatives=(0, 0), scores=Scores.LABEL, one_pass=True),
    # Which pairs are hard may turn on the last bit of an embedding: they are embedded as the library does it.
    Loss("online_contrastive", _online_contrastive, negatives=(0, 0), scores=Scores.LABEL),
)
