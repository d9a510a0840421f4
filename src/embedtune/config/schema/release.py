"""``release.*`` and ``reproduce.*``: what is done with a trial afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class ReleaseConfig:
    """``release.*``: the exported checkpoint."""

    name: str | None = None
    trial: int | None = None
    candidates: int = 5
    seeds: int = 0
    soup: bool = False
    gate: bool = True
    level: float = 0.95
    margin: float = 0.01
    dim: int | None = None
    dim_margin: float = 0.01
    register: bool = True
    alias: str = "candidate"
    overwrite: bool = False
    license: str | None = None
    language: Any = None
    onnx: str | None = None
    push_to_hub: str | None = None


@dataclass
class ReproduceConfig:
    """``reproduce.*``: running a recorded trial again."""

    tolerance: float = 1e-6
