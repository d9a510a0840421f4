"""What a training objective is to the rest of the code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from sentence_transformers import SentenceTransformer
from torch import nn

from embedtune.config import Config

Build = Callable[[SentenceTransformer, Config], nn.Module]


class Scores(Enum):
    """What a loss reads beside the texts of a row."""

    NONE = "no scores"
    LABEL = "a label, 0 or 1"
    SIMILARITY = "a similarity from 0 to 1"
    ORDER = "a score, of which the order counts"
    MARGINS = "one score for each passage, or the margins between them"
    PASSAGES = "one score for each passage"


@dataclass(frozen=True)
class Loss:
    """One objective, sentence-transformers' own.

    Attributes:
        name: ``loss.name``.
        build: Makes it for a model; ``loss.*`` is read.
        cached: Makes it in the form that encodes that many rows at once, with the same value and gradient (GradCache,
            Gao et al., Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup, 2021); None where there
            is no such form, and a batch that does not fit fails.
        negatives: How many negatives each row must have at least, and may have at most; None is any number.
        scores: What it reads beside the texts.
        one_pass: Whether it reads nothing of a batch but its embeddings, so that all columns may be encoded at once.
        mini_batch_size: Rows that ``build``'s form encodes at once; None: the whole batch.
    """

    name: str
    build: Build
    cached: Callable[[SentenceTransformer, Config, int], nn.Module] | None = None
    negatives: tuple[int, int | None] = (0, None)
    scores: Scores = Scores.NONE
    one_pass: bool = False
    mini_batch_size: int | None = None
