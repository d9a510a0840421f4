"""What a base model cannot be trained with, found on the loaded model before a step is taken."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from sentence_transformers import SentenceTransformer

from embedtune.config import Config, Precision
from embedtune.training.checkpointing import can_checkpoint
from embedtune.training.device import device_problems, resolve_device, resolve_precision

_OVERFLOWS = ("gemma",)
"""Beginnings of ``model_type`` whose activations are larger than fp16 holds (65,504): their embeddings become NaN."""


def model_problems(model: SentenceTransformer, config: Config) -> Iterator[str]:
    """A sentence for each setting of ``train.*`` that a base model does not go with."""
    name, train = config.model.name, config.train
    kinds = {str(getattr(getattr(module, "config", None), "model_type", "")) for module in model.modules()}
    overflowing = next((kind for kind in sorted(kinds) if kind.startswith(_OVERFLOWS)), None)
    if train.precision is Precision.fp16 and overflowing:
        yield (
            f"train.precision must be auto, bf16 or fp32 for {name}, whose activations ({overflowing}) overflow fp16, "
            "but got fp16. Try auto."
        )
    yield from _weights_problems(model, config)
    if train.gradient_checkpointing and not can_checkpoint(model):
        yield (
            f"train.gradient_checkpointing must be false for {name}, which has no layers that can be computed twice, "
            "but got true. Remove it."
        )


def _weights_problems(model: SentenceTransformer, config: Config) -> Iterator[str]:
    """Weights of 16 bits: AdamW's epsilon is 0 in fp16, and autocast to another type would compute in that one."""
    if model.dtype is torch.float16:
        yield (
            f"model.dtype must be fp32 or bf16 to train {config.model.name}, but got fp16 weights "
            f"(model.dtype={config.model.dtype.value}). Take fp32, with train.precision=fp16 to compute in it."
        )
    if list(device_problems(config)) or model.dtype is not torch.bfloat16:
        return
    if config.train.lora is not None:
        yield (
            f"model.dtype must be fp32 with train=lora, but {config.model.name} has bf16 weights "
            f"(model.dtype={config.model.dtype.value}): adapters merged into them are rounded, and a release would not "
            "reproduce its scores. Type model.dtype=fp32; train.precision=bf16 computes in bf16 all the same."
        )
    device = resolve_device(config.train.device)
    precision = resolve_precision(config.train.precision, device)
    if precision != "bf16":
        yield (
            f"train.precision must be bf16 for weights in bf16, but got {config.train.precision.value}, which is "
            f"{precision} on {device}. Type train.precision=bf16, or model.dtype=fp32."
        )
