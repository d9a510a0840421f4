"""How the machine is shared between workers: devices and processor threads. Pure, but for asking what there is."""

from __future__ import annotations

import os
from collections.abc import Sequence

from embedtune.paths import StudyPaths
from embedtune.sweep.workers.supervisor import Slot

THREADS = "OMP_NUM_THREADS"
DEVICES = "CUDA_VISIBLE_DEVICES"


def worker_count(workers: int | str, devices: Sequence[str]) -> int:
    """``study.workers`` as a number: ``auto`` is one for each GPU in sight, else 1."""
    return max(1, len(devices)) if workers == "auto" else int(workers)


def make_slots(count: int, devices: Sequence[str], cores: int, study: StudyPaths) -> list[Slot]:
    """One place for each worker, with its GPU (several share one if there are fewer) and its share of threads.

    Args:
        count: Workers.
        devices: As ``CUDA_VISIBLE_DEVICES`` names them; none for a machine without.
        cores: Processor cores to share.
        study: Its folder takes the logs.
    """
    threads = {} if THREADS in os.environ else {THREADS: str(max(1, cores // count))}
    return [
        Slot(
            index=index,
            environment=threads | ({DEVICES: devices[index % len(devices)]} if devices else {}),
            log=study.root / "workers" / f"{index}.log",
        )
        for index in range(count)
    ]


def visible_devices() -> list[str]:
    """The GPUs this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    given = os.environ.get(DEVICES)
    if given is not None:
        return [name for name in given.split(",") if name and name != "-1"]
    import torch

    return [str(index) for index in range(torch.cuda.device_count())]
