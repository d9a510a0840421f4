"""A study run to its total: planned, asked for trials, run by workers, delivered.

The sampler and the pruners of our own have their public addresses here: ``study.yaml`` names them by these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedtune.sweep.strategies.grid import GridSampler
    from embedtune.sweep.strategies.query_pruner import QueryPruner
    from embedtune.sweep.strategies.schedule_pruner import SchedulePruner

__all__ = ["GridSampler", "QueryPruner", "SchedulePruner"]


def __getattr__(name: str) -> Any:
    """Load a strategy when it is first asked for."""
    if name == "GridSampler":
        from embedtune.sweep.strategies.grid import GridSampler

        return GridSampler
    if name == "QueryPruner":
        from embedtune.sweep.strategies.query_pruner import QueryPruner

        return QueryPruner
    if name == "SchedulePruner":
        from embedtune.sweep.strategies.schedule_pruner import SchedulePruner

        return SchedulePruner
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
