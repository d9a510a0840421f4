"""The processor's cores, and how the threads that share an operation wait for each other."""

from __future__ import annotations

import os

SPIN = "GOMP_SPINCOUNT"
"""Rounds that a thread of libgomp, which torch computes with, spins before it sleeps."""
_ROUNDS = "1000"
_FEW_CORES = 4
"""More cores wake more threads at each operation, which was not measured."""


def usable_cores() -> int:
    """The processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def waiting(cores: int) -> dict[str, str]:
    """Variables of the environment that keep threads from spinning while another process holds their core.

    Two threads that wait by spinning, as libgomp's do for 300,000 rounds, take each other's time beside one busy
    process: a step took 3.4 to 8 times as long as alone; with 1,000 rounds it takes 1.9 times, and 1.06 times alone
    (``benchmarks/load.py``). They are read when libgomp is loaded.

    Args:
        cores: That this process may use.
    """
    return {SPIN: _ROUNDS} if cores <= _FEW_CORES else {}
