"""Scaled dot-product attention with dropout, forward and backward, for training on the CPU.

Dropout in attention rules out the fused CPU kernel of torch, which then takes the plain path, with matrices in fp32
under autocast too. Here the products of each direction are computed in the type of the operands (bf16 under autocast),
and only the softmax in fp32. The gradient of the softmax is the usual one, dS = P * (dP - rowsum(dP * P)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import Function
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from embedtune.training.kernels.masks import KeepMasks

_UNDERSTOOD = frozenset({"scaling", "encoder_hidden_states", "encoder_attention_mask", "position_ids", "is_causal"})
"""Further arguments that are supported or without effect; with any other the library's own function is called."""


@dataclass(frozen=True)
class _Call:
    """The arguments of one call of attention beside its tensors."""

    masks: KeepMasks
    p: float
    scaling: float


class _Attention(Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, call: _Call) -> Tensor:
        scores = torch.matmul(query, key.transpose(2, 3)).float()
        scores = scores.mul_(call.scaling) if bias is None else torch.add(bias, scores, alpha=call.scaling)
        weights = torch.softmax(scores, dim=-1)
        keep = call.masks.draw(weights.shape, call.p, query.dtype)
        kept = weights.to(query.dtype) * keep
        ctx.save_for_backward(query, key, value, weights, keep, kept)
        ctx.scaling, ctx.upscale = call.scaling, 1 / (1 - call.p)
        return torch.matmul(kept, value).mul_(ctx.upscale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, weights, keep, kept = ctx.saved_tensors
        gradient = gradient.to(query.dtype)
        of_value = torch.matmul(kept.transpose(2, 3), gradient).mul_(ctx.upscale)
        # The factor of what was kept is applied once, at the end: all between is linear in it.
        scores = torch.matmul(gradient, value.transpose(2, 3)).mul_(keep).float().mul_(weights)
        scores.addcmul_(weights, scores.sum(dim=-1, keepdim=True), value=-1)
        scores = scores.mul_(ctx.scaling * ctx.upscale).to(query.dtype)
        return torch.matmul(scores, key), torch.matmul(scores.transpose(2, 3), query), of_value, None, None


class Attention:
    """An attention function as transformers calls it, see ``transformers.AttentionInterface``.

    What it is not made for (evaluation, no dropout, another device, grouped heads, causal attention without a mask,
    position biases) goes to the library's own.
    """

    def __init__(self, masks: KeepMasks) -> None:
        self._masks = masks
        self._mask: Tensor | None = None
        self._bias: Tensor | None = None

    def __call__(
        self,
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        dropout: float = 0.0,
        **others: Any,
    ) -> tuple[Tensor, Any]:
        """Shape (rows, tokens, heads, size), of queries, keys and values of shape (rows, heads, tokens, size)."""
        if not self._fits(module, query, key, attention_mask, dropout, others):
            found: tuple[Tensor, Any] = sdpa_attention_forward(
                module, query, key, value, attention_mask, dropout=dropout, **others
            )
            return found
        if torch.is_autocast_enabled("cpu"):
            kind = torch.get_autocast_dtype("cpu")
            query, key, value = query.to(kind), key.to(kind), value.to(kind)
        scaling = others.get("scaling") or query.shape[-1] ** -0.5
        call = _Call(self._masks, dropout, scaling)
        with torch.autocast("cpu", enabled=False):
            out: Tensor = _Attention.apply(query, key, value, self._bias_of(attention_mask), call)
        return out.transpose(1, 2).contiguous(), None

    @staticmethod
    def _fits(
        module: nn.Module, query: Tensor, key: Tensor, mask: Tensor | None, dropout: float, others: dict[str, Any]
    ) -> bool:
        causal = others.get("is_causal")
        causal = getattr(module, "is_causal", True) if causal is None else causal
        return (
            dropout > 0
            and query.device.type == "cpu"
            and query.shape[1] == key.shape[1]
            and not (causal and mask is None)
            and (mask is None or mask.dtype == torch.bool)
            and all(value is None or name in _UNDERSTOOD for name, value in others.items())
        )

    def _bias_of(self, mask: Tensor | None) -> Tensor | None:
        """The bias added to the scores; all layers of a pass share one mask."""
        if mask is None:
            return None
        if self._bias is None or self._mask is not mask:
            bias = torch.zeros(mask.shape, dtype=torch.float32)
            self._mask, self._bias = mask, bias.masked_fill_(~mask, torch.finfo(torch.float32).min)
        return self._bias
