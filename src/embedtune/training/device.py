"""Which device and which arithmetic a training runs on, what it uses there, and when it is lost."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from embedtune.config import Attention, Config, Precision
from embedtune.errors import ConfigError

logger = logging.getLogger(__name__)

_NATIVE_BF16 = ("avx512_bf16", "amx_bf16")
"""Flags of processors that multiply in bf16 themselves; on the others torch emulates it, slower than fp32."""

_LOST = ("CUDA error:", "HIP error:", "device-side assert", "illegal memory access", "unspecified launch failure")
"""Prefixes of errors after which a CUDA context is unusable."""


def resolve_device(device: str) -> str:
    """The device to train on: ``auto`` is the first CUDA device, else the GPU of an Apple processor, else the CPU.

    Raises:
        ConfigError: The device is not known, or this machine does not have it.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, index = device.partition(":")
    known = device in ("cpu", "cuda", "mps") or (kind == "cuda" and index.isdecimal())
    if not known:
        raise ConfigError(f"train.device must be auto, cpu, cuda, cuda:N or mps, but got {device}. Try auto.")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("train.device must be a device of this machine, but got mps and it has none. Try auto.")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "cuda" and int(index or 0) >= count:
        raise ConfigError(
            f"train.device must be a device of this machine, but got {device} and it has {count} of CUDA. Try auto."
        )
    return device


def resolve_precision(precision: Precision, device: str) -> str:
    """``bf16``, ``fp16`` or ``fp32``; ``auto`` is bf16 where the hardware computes in it, else fp32.

    A processor without bf16 emulates it, slower than fp32; where it was asked for by name it is taken.

    Raises:
        ConfigError: The device does not compute in it.
    """
    if precision is Precision.auto:
        return "bf16" if _has_bf16(device) else "fp32"
    if precision is Precision.fp16 and device == "cpu":
        raise ConfigError(
            "train.precision must be auto, bf16 or fp32 on the CPU, but got fp16, which is for cuda and mps. Try auto."
        )
    if precision is Precision.bf16 and device != "cpu" and not _has_bf16(device):
        raise ConfigError(
            f"train.precision must be auto, fp16 or fp32 on {device_name(device)}, which has no bf16, but got bf16. "
            "Try fp16."
        )
    return str(precision.value)


def device_problems(config: Config) -> Iterator[str]:
    """A sentence for a device that is not there, or does not compute as ``train.precision`` and ``model.*`` say."""
    try:
        device = resolve_device(config.train.device)
    except ConfigError as error:
        yield str(error)
        return
    try:
        resolve_precision(config.train.precision, device)
    except ConfigError as error:
        yield str(error)
    if config.model.attention is Attention.flash_attention_2 and not device.startswith("cuda"):
        yield (
            f"model.attention must be null, eager, sdpa or flex_attention on {device}, but got flash_attention_2, "
            "which is for cuda. Try null."
        )


def processor_threads() -> int:
    """Threads that share one operation on the CPU; with another number sums round differently, and scores with them."""
    return torch.get_num_threads()


def set_processor_threads(count: int) -> None:
    """Use that many threads from now on."""
    torch.set_num_threads(count)


def device_name(device: str) -> str:
    """The kind of device and, for CUDA, its name: ``cuda (NVIDIA H100)``."""
    return f"cuda ({torch.cuda.get_device_name(device)})" if device.startswith("cuda") else device


def reset_peak_memory(device: str) -> None:
    """Reset :func:`peak_memory`, where the device can; logs it where nothing can be measured."""
    if device == "mps":
        logger.info("peak_memory_bytes is not measured: torch keeps no such figure of mps")
        return
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
    elif peak_memory(device) is None:
        logger.info("peak_memory_bytes is not measured: Python counts no process memory on this system")


def peak_memory(device: str) -> int | None:
    """Most bytes in use since the reset on CUDA; on a CPU the most this process ever held.

    None where it is not measured: on mps, and on a CPU of a system without Python's ``resource``, such as Windows.
    """
    if device == "mps":
        return None
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:
        return None
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024  # Linux counts kilobytes


def is_device_lost(error: BaseException) -> bool:
    """True for an error after which every further call to the device fails, until the process is replaced.

    A device-side assert, an illegal memory access or a failed launch poisons the CUDA context of the process. Running
    out of memory does not.
    """
    if isinstance(error, torch.OutOfMemoryError):
        return False
    # torch.AcceleratorError since torch 2.8; libraries beneath raise a plain RuntimeError with the same words.
    lost = getattr(torch, "AcceleratorError", None)
    if lost is not None and isinstance(error, lost):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _LOST)


def _has_bf16(device: str) -> bool:
    if device.startswith("cuda"):
        # torch.cuda.is_bf16_supported() counts emulation; tensor cores have it from Ampere on.
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device == "mps":
        return torch.backends.mps.is_macos_or_newer(14, 0)
    return any(flag in _cpu_flags() for flag in _NATIVE_BF16)


@functools.cache
def _cpu_flags() -> frozenset[str]:
    """The processor's feature flags; none where the system does not tell them (only Linux does)."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return frozenset()
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    return frozenset(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())
