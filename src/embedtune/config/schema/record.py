"""``study.*``, ``tracking.*`` and ``paths.*``: the search, and where its record is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from embedtune.config.schema.choices import OnChange


@dataclass
class StudyConfig:
    """``study.*``: the search."""

    name: str | None = None
    n_trials: int | None = 6
    workers: Any = 0
    storage: str | None = None
    keep: int = 3
    attempts: int = 3
    resume: bool = True
    on_change: OnChange = OnChange.refuse


@dataclass
class TrackingConfig:
    """``tracking.*``: the MLflow store."""

    enabled: bool = True
    uri: str | None = None
    experiment: str = "embedtune"
    port: int = 5000


@dataclass
class PathsConfig:
    """``paths.*``: the folders written."""

    sweeps: str = "sweeps"
    mlruns: str = "mlruns"
    releases: str = "releases"
