"""Whether an error took the device away from this process for good."""

from __future__ import annotations

import torch

_SIGNS = ("CUDA error:", "HIP error:", "device-side assert", "illegal memory access", "unspecified launch failure")


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
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)
