"""Dropout with masks from :mod:`~embedtune.training.kernels.masks`."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.autograd.function import Function

from embedtune.training.kernels.masks import KeepMasks


class _Dropout(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, masks: KeepMasks, p: float) -> Tensor:
        keep = masks.draw(values.shape, p, values.dtype).mul_(1 / (1 - p))
        ctx.save_for_backward(keep)
        return values * keep

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (keep,) = ctx.saved_tensors
        return gradient * keep.to(gradient.dtype), None, None


def dropout(module: nn.Dropout, masks: KeepMasks, values: Tensor) -> Tensor:
    """As ``module(values)``: each element is zero with probability ``module.p``, the others are scaled up."""
    if not module.training or module.p == 0 or values.device.type != "cpu":
        return nn.functional.dropout(values, module.p, module.training)
    dropped: Tensor = _Dropout.apply(values, masks, module.p)
    return dropped
