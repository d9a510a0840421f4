"""The whole state of a training, written between two steps, from which it resumes as if it had never stopped.

Tensors are in one safetensors file, all else is JSON: nothing read here can run code. The order of the data is not
stored: the samplers seed themselves anew by seed and epoch, and the trainer skips the batches that were done.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers.trainer import TRAINER_STATE_NAME

from embedtune.errors import ResumeError
from embedtune.training.averaging import Averaging
from embedtune.training.callbacks import Seen

if TYPE_CHECKING:
    from torch.amp import GradScaler
    from transformers import Trainer

_FILE = "training.safetensors"
_WEIGHT, _OPTIMISER, _RANDOM, _MEAN = "weight/", "optimiser/", "random/", "mean/"


@dataclass(frozen=True)
class TrainingState:
    """The state that :func:`write_state` wrote.

    Attributes:
        folder: Where.
        step: Optimiser steps done.
        seen: What the training had read.
        tensors: ``weight/<name>``, ``optimiser/<parameter>/<name>``, ``mean/<name>`` and ``random/<generator>``.
        values: The rest of optimiser, scheduler, loss scale and generators, as JSON gives it back.
    """

    folder: Path
    step: int
    seen: Seen
    tensors: Mapping[str, Tensor]
    values: Mapping[str, Any]


def write_state(trainer: Trainer, folder: Path, seen: Seen, averaging: Averaging | None = None) -> None:
    """Write the state after a step, flushed to disk.

    Args:
        trainer: In training, between two steps.
        folder: Gets the files.
        seen: What it has read so far.
        averaging: The mean of its weights so far.

    Raises:
        ResumeError: It cannot be written: the disk is full, or an optimiser or scheduler keeps more than numbers.
    """
    optimiser = trainer.optimizer.state_dict()
    tensors = {f"{_WEIGHT}{name}": value for name, value in _weights(trainer.model)}
    for index, entries in optimiser["state"].items():
        tensors |= {f"{_OPTIMISER}{index}/{name}": value for name, value in entries.items()}
    if averaging is not None:
        tensors |= {f"{_MEAN}{name}": mean for name, mean in averaging.means.items()}
    numpy_state: Any = np.random.get_state(legacy=False)  # noqa: NPY002 - the one that libraries draw from
    numpy_state["state"]["key"] = numpy_state["state"]["key"].tolist()
    values = {
        "step": trainer.state.global_step,
        "tokens": seen.tokens,
        "rows": seen.rows,
        "averaged": averaging.count if averaging is not None else 0,
        "groups": optimiser["param_groups"],
        "scheduler": trainer.lr_scheduler.state_dict(),
        "loss_scale": _loss_scale(trainer.accelerator.scaler),
        "python": random.getstate(),
        "numpy": numpy_state,
    }
    file = folder / _FILE
    try:
        on_cpu = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        save_file(on_cpu | _generators(trainer.args.device), file, metadata={"values": json.dumps(values)})
        with file.open("rb") as written:
            os.fsync(written.fileno())
        trainer.state.save_to_json(str(folder / TRAINER_STATE_NAME))
    except (OSError, SafetensorError, TypeError, AttributeError) as error:
        raise ResumeError(_said(error)) from error


def read_state(folder: Path) -> TrainingState:
    """Read a state back.

    Raises:
        ResumeError: It is torn, or of no form that is known.
    """
    try:
        json.loads((folder / TRAINER_STATE_NAME).read_text(encoding="utf-8"))
        with safe_open(folder / _FILE, framework="pt") as file:
            values = json.loads(file.metadata()["values"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        seen = Seen(int(values["tokens"]), int(values["rows"]))
        return TrainingState(folder, int(values["step"]), seen, tensors, values)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ResumeError(_said(error)) from error


def restore_weights(state: TrainingState, model: nn.Module) -> None:
    """Restore the weights.

    Raises:
        ResumeError: They are those of another model.
    """
    weights = dict(_weights(model))
    names = {name.removeprefix(_WEIGHT) for name in state.tensors if name.startswith(_WEIGHT)}
    if names != weights.keys():
        raise ResumeError(f"its weights differ: {sorted(names ^ weights.keys())[:3]}")
    with torch.no_grad():
        for name, weight in weights.items():
            saved = state.tensors[_WEIGHT + name]
            if (saved.shape, saved.dtype) != (weight.shape, weight.dtype):
                raise ResumeError(f"its {name} has shape {tuple(saved.shape)}, not {tuple(weight.shape)}")
            weight.copy_(saved)


def restore_optimiser(state: TrainingState, optimiser: Any, scheduler: Any) -> None:
    """Restore optimiser and learning rate schedule.

    Raises:
        ResumeError: They are those of another training.
    """
    entries: dict[int, dict[str, Tensor]] = {}
    for name, value in state.tensors.items():
        if name.startswith(_OPTIMISER):
            _, index, key = name.split("/")
            entries.setdefault(int(index), {})[key] = value.clone()  # the file it is mapped from will be removed
    groups = [
        {key: tuple(value) if key == "betas" else value for key, value in group.items()}
        for group in state.values["groups"]
    ]
    try:
        optimiser.load_state_dict({"state": entries, "param_groups": groups})
        scheduler.load_state_dict(state.values["scheduler"])
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ResumeError(_said(error)) from error


def restore_loss_scale(state: TrainingState, scaler: GradScaler | None) -> None:
    """Restore the loss scale of fp16 and the steps since it last grew.

    Args:
        state: What was saved.
        scaler: Of the training that resumes; None in any other precision.

    Raises:
        ResumeError: One of the two has a loss scale and the other has not, or it is of another form.
    """
    saved = state.values.get("loss_scale")  # states of older versions have none
    if (saved is None) != (scaler is None):
        raise ResumeError("its loss scale is that of another precision")
    if scaler is not None and saved is not None:
        try:
            scaler.load_state_dict(dict(saved))
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            raise ResumeError(_said(error)) from error


def restore_average(state: TrainingState, averaging: Averaging, device: torch.device) -> None:
    """Restore the mean of the weights."""
    means = {name.removeprefix(_MEAN): mean for name, mean in state.tensors.items() if name.startswith(_MEAN)}
    averaging.restore(means, int(state.values.get("averaged", 0)), device)


def restore_random(state: TrainingState, device: torch.device) -> None:
    """Restore the random generators: dropout continues with its next draw.

    Raises:
        ResumeError: They are of another kind.
    """
    try:
        version, numbers, gauss = state.values["python"]
        random.setstate((version, tuple(numbers), gauss))
        numpy_state = dict(state.values["numpy"])
        key = np.array(numpy_state["state"]["key"], dtype=np.uint32)
        np.random.set_state(numpy_state | {"state": numpy_state["state"] | {"key": key}})  # noqa: NPY002
        torch.set_rng_state(state.tensors[f"{_RANDOM}cpu"])
        if device.type == "cuda":
            torch.cuda.set_rng_state(state.tensors[f"{_RANDOM}cuda"], device)
        elif device.type == "mps":
            torch.mps.set_rng_state(state.tensors[f"{_RANDOM}mps"])
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ResumeError(_said(error)) from error


def _weights(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters that are trained, and buffers, by name; one that several modules share comes once."""
    yield from ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)
    yield from model.named_buffers()


def _loss_scale(scaler: GradScaler | None) -> dict[str, float] | None:
    """Numbers alone: scale, factors, interval and the steps since it last grew."""
    return None if scaler is None else scaler.state_dict()


def _generators(device: torch.device) -> dict[str, Tensor]:
    states = {f"{_RANDOM}cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states[f"{_RANDOM}cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states[f"{_RANDOM}mps"] = torch.mps.get_rng_state()
    return states


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
