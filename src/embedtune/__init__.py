"""Experiment-tracked hyperparameter sweeps for sentence-transformers models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedtune.api import StudyRecord, load_study

__version__ = "0.1.0"

__all__ = ["StudyRecord", "__version__", "load_study"]


def __getattr__(name: str) -> Any:
    """Load the Python interface when it is first asked for: ``import embedtune`` stays quick."""
    if name in ("StudyRecord", "load_study"):
        from embedtune import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
