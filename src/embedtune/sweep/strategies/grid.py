"""A grid as a sampler: the points come from the queue, in order."""

from __future__ import annotations

from optuna.samplers import RandomSampler


class GridSampler(RandomSampler):
    """Every point of the space once, in order; whoever asks for a trial queues the next one before."""
