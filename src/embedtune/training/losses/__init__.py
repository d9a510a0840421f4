"""Training objectives: sentence-transformers' own losses, each with what it reads."""

from embedtune.training.losses.build import LOSSES, build_loss, nested_losses
from embedtune.training.losses.fitting import columns_problems, unread_scores
from embedtune.training.losses.table import Loss, Scores
from embedtune.training.losses.teacher import teacher_scores

__all__ = [
    "LOSSES",
    "Loss",
    "Scores",
    "build_loss",
    "columns_problems",
    "nested_losses",
    "teacher_scores",
    "unread_scores",
]
