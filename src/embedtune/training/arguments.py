"""The training arguments: the configuration's values in the trainer's own words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformerTrainingArguments

from embedtune.config import BatchSampler, Mix, TrainConfig
from embedtune.training.trainer_private import use_only

_SAMPLERS = {
    BatchSampler.plain: "batch_sampler",
    BatchSampler.no_duplicates: "no_duplicates",
    BatchSampler.relevance: "no_duplicates",  # the trainer puts its own in the place of both
}


def training_arguments(
    train: TrainConfig,
    output_dir: Path,
    device: str,
    precision: str,
    prompts: Mapping[str, Any] | None = None,
    mix: Mix = Mix.round_robin,
) -> SentenceTransformerTrainingArguments:
    """Arguments for one training that writes no file, reports to nobody and draws no progress bar.

    Args:
        train: The values of ``train.*``.
        output_dir: The trainer makes this folder and leaves it empty.
        device: As :func:`~embedtune.training.device.resolve_device` gives it.
        precision: As :func:`~embedtune.training.device.resolve_precision` gives it.
        prompts: Put before the texts of each column, or of each column of each set.
        mix: How several sets are visited.
    """
    on_cuda, on_cpu = device.startswith("cuda"), device == "cpu"
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(output_dir),
        per_device_train_batch_size=train.batch_size,
        num_train_epochs=train.epochs,
        learning_rate=train.learning_rate,
        warmup_steps=train.warmup_ratio,  # below 1 it is a share of all steps
        weight_decay=train.weight_decay,
        max_grad_norm=train.max_grad_norm,
        lr_scheduler_type=train.scheduler,
        optim="adamw_torch" if device == "mps" else "adamw_torch_fused",
        seed=train.seed,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=on_cpu,
        batch_sampler=_SAMPLERS[train.batch_sampler],
        multi_dataset_batch_sampler=mix.value,
        prompts=None if prompts is None else dict(prompts),
        dataloader_pin_memory=on_cuda,
        eval_strategy="no",
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    if on_cuda:
        use_only(arguments, with_index(device))
    return arguments


def with_index(device: str) -> torch.device:
    """The device with its number: ``cuda`` alone, which torch does not select, is the first."""
    named = torch.device(device)
    return torch.device(named.type, named.index or 0)
