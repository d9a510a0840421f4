"""Uses of transformers and accelerate beyond their documented interfaces, each with its reason."""

from __future__ import annotations

from typing import Any

import torch
from accelerate.utils import extract_model_from_parallel
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer


class OwnStateTrainer(SentenceTransformerTrainer):  # type: ignore[misc]
    """A trainer that goes on from a folder with ``trainer_state.json`` alone; a callback puts back all else."""

    def _load_from_checkpoint(self, *_: Any) -> None:
        """Read nothing. There is no public way: a folder without a whole model in the library's form is refused."""


def use_only(arguments: Any, device: torch.device) -> None:
    """Train on this one device: with several in sight the trainer would split each batch, and with it its negatives.

    Workers see one device by ``CUDA_VISIBLE_DEVICES``, but a process that runs trials itself sees all, and
    ``train.device=cuda:1`` may be asked of it. ``device`` and ``n_gpu`` of the arguments can be read only.
    """
    torch.cuda.set_device(device)
    vars(arguments)["_setup_devices"] = device
    arguments.distributed_state.device = device
    arguments._n_gpu = 1


def forget_training(model: SentenceTransformer) -> None:
    """Remove what a training attached to a model: a wrapped forward, gradients, and the mark that it was prepared.

    accelerate prepares a model once, and one with the mark would not get its autocast again; nothing takes it off.
    """
    extract_model_from_parallel(model, keep_fp32_wrapper=False)
    vars(model).pop("forward", None)  # the class has it
    vars(model).pop("_is_accelerate_prepared", None)
    model.zero_grad(set_to_none=True)
    model.eval()
