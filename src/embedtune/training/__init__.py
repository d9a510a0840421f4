"""Fine-tuning: sentence-transformers' trainer and losses with a faster path for the same computation.

Imports torch and sentence-transformers.
"""

from embedtune.training.batches import Amount, planned, too_few_rows
from embedtune.training.callbacks import Listener, Progress, Seen
from embedtune.training.device import (
    device_problems,
    is_device_lost,
    peak_memory,
    processor_threads,
    reset_peak_memory,
    resolve_device,
    resolve_precision,
    set_processor_threads,
)
from embedtune.training.facts import training_facts
from embedtune.training.feasible import model_problems
from embedtune.training.losses import columns_problems, teacher_scores, unread_scores
from embedtune.training.memory import free_memory, is_out_of_memory, smaller_mini_batch
from embedtune.training.negatives import Mined, Miner, Refresh, mine, with_negatives
from embedtune.training.state import TrainingState, read_state
from embedtune.training.train import Attempt, TrainingOutcome, train_model

__all__ = [
    "Amount",
    "Attempt",
    "Listener",
    "Mined",
    "Miner",
    "Progress",
    "Refresh",
    "Seen",
    "TrainingOutcome",
    "TrainingState",
    "columns_problems",
    "device_problems",
    "free_memory",
    "is_device_lost",
    "is_out_of_memory",
    "mine",
    "model_problems",
    "peak_memory",
    "planned",
    "processor_threads",
    "read_state",
    "reset_peak_memory",
    "resolve_device",
    "resolve_precision",
    "set_processor_threads",
    "smaller_mini_batch",
    "teacher_scores",
    "too_few_rows",
    "train_model",
    "training_facts",
    "unread_scores",
    "with_negatives",
]
