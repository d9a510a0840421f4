"""Reading, checking and describing a retrieval task."""

from embedtune.data.distractors import add_distractors
from embedtune.data.folds import Fold, folds_problems, make_folds
from embedtune.data.load import inspect_task, load_task
from embedtune.data.report import DataReport

__all__ = [
    "DataReport",
    "Fold",
    "add_distractors",
    "folds_problems",
    "inspect_task",
    "load_task",
    "make_folds",
]
