"""Training objectives: sentence-transformers' own losses, each with what it reads."""

from embedtune.training.losses.build import LOSSES, build_loss, library_name, nested_losses
from embedtune.training.losses.fitting import columns_problems, unread_scores
from embedtune.training.losses.masked import relate
from embedtune.training.losses.table import Loss, Scores
from embedtune.training.losses.teacher import teacher_scores

__all__ = [
    "LOSSES",
    "Loss",
    "Scores",
    "build_loss",
    "columns_problems",
    "library_name",
    "nested_losses",
    "relate",
    "teacher_scores",
    "unread_scores",
]
