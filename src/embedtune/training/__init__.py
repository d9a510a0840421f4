"""Fine-tuning: sentence-transformers' trainer and losses with a faster path for the same computation.

Imports torch and sentence-transformers.
"""

from embedtune.training.callbacks import Progress
from embedtune.training.device import (
    is_device_lost,
    peak_memory,
    processor_threads,
    reset_peak_memory,
    resolve_device,
    resolve_precision,
    set_processor_threads,
)
from embedtune.training.facts import training_facts
from embedtune.training.losses import columns_problems
from embedtune.training.memory import free_memory, is_out_of_memory, smaller_mini_batch
from embedtune.training.state import TrainingState, read_state
from embedtune.training.train import TrainingOutcome, train_model

__all__ = [
    "Progress",
    "TrainingOutcome",
    "TrainingState",
    "columns_problems",
    "free_memory",
    "is_device_lost",
    "is_out_of_memory",
    "peak_memory",
    "processor_threads",
    "read_state",
    "reset_peak_memory",
    "resolve_device",
    "resolve_precision",
    "set_processor_threads",
    "smaller_mini_batch",
    "train_model",
    "training_facts",
]
