"""Hard negatives: mined before a training, and again while it runs."""

from embedtune.training.negatives.mining import Mined, Miner, mine, with_negatives
from embedtune.training.negatives.refreshing import Refresh, Refreshing

__all__ = ["Mined", "Miner", "Refresh", "Refreshing", "mine", "with_negatives"]
