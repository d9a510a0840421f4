"""Experiment-tracked hyperparameter sweeps for sentence-transformers models."""

__version__ = "0.1.0"
